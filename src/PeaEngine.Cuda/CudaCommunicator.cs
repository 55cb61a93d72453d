using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Cuda;

/// <summary>
/// Sums over the devices of several processes by NCCL, in a stream's order. NCCL adds in an order that follows from the devices, their number and the number of elements; all processes have the same bits.
/// </summary>
sealed unsafe class CudaCommunicator : CudaResource
{
    /// <summary>The bytes of what processes find each other by.</summary>
    public const int IdBytes = ncclUniqueId.Bytes;

    readonly Nccl library;
    readonly CudaStream stream;
    readonly ncclComm handle;

    /// <summary>Meets the other processes: it returns when all have called it.</summary>
    /// <param name="library">NCCL.</param>
    /// <param name="stream">The stream whose work the sums are.</param>
    /// <param name="id">What one of the processes has got from <see cref="MakeId"/>.</param>
    /// <param name="rank">Which process this is, from 0.</param>
    /// <param name="count">How many there are.</param>
    /// <exception cref="CudaException">NCCL cannot: two processes have the same device, or do not reach each other.</exception>
    public CudaCommunicator(Nccl library, CudaStream stream, ReadOnlySpan<byte> id, int rank, int count) : base(stream.Context)
    {
        (this.library, this.stream) = (library, stream);
        ncclUniqueId unique;
        id.CopyTo(new Span<byte>(unique.Internal, IdBytes));
        ncclComm made;
        Context.Bind();
        Check(library.ncclCommInitRank(&made, count, unique, rank), nameof(library.ncclCommInitRank));
        handle = made;
        Own();
    }

    /// <summary>What processes find each other by.</summary>
    /// <exception cref="CudaException">NCCL cannot open a port.</exception>
    public static void MakeId(Nccl library, CudaContext context, Span<byte> id)
    {
        ncclUniqueId unique;
        context.Bind();
        Check(context, library, library.ncclGetUniqueId(&unique), nameof(library.ncclGetUniqueId));
        new ReadOnlySpan<byte>(unique.Internal, IdBytes).CopyTo(id);
    }

    /// <summary>Replaces F32 values by their sums over all processes.</summary>
    public void Sum(nint values, long elements)
    {
        Context.Bind();
        Check(library.ncclAllReduce(values, values, (nuint)elements, ncclDataType.ncclFloat32, ncclRedOp.ncclSum, handle, stream.Handle), nameof(library.ncclAllReduce));
    }

    private protected override void Destroy() => library.ncclCommDestroy(handle);

    void Check(ncclResult result, string call) => Check(Context, library, result, call);

    static void Check(CudaContext context, Nccl library, ncclResult result, string call)
    {
        if (result == ncclResult.ncclSuccess) return;
        var (text, last) = (Marshal.PtrToStringUTF8((nint)library.ncclGetErrorString(result)), Marshal.PtrToStringUTF8((nint)library.ncclGetLastError(0)));
        throw context.Error(call, $"{result} ({text}{(string.IsNullOrWhiteSpace(last) ? "" : $": {last.Trim()}")})");
    }
}
