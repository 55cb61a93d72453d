using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Driver;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Collective;

/// <summary>NCCL over virtual devices of one process, each in a thread of its own. It adds in the order of the ranks, when the streams come to it.</summary>
static unsafe class VirtualNccl
{
    static readonly ConcurrentDictionary<Guid, Meeting> Meetings = [];

    [ThreadStatic]
    static string? problem;

    /// <summary>The table.</summary>
    public static Nccl Table { get; } = new(Resolve);

    sealed class Communicator(Meeting meeting, int rank, VirtualContext context)
    {
        public Meeting Meeting => meeting;

        public int Rank => rank;

        public VirtualContext Context => context;
    }

    static nint Resolve(string name) => name switch
    {
        nameof(Nccl.ncclGetVersion) => (nint)(delegate* unmanaged<int*, ncclResult>)&GetVersion,
        nameof(Nccl.ncclGetErrorString) => (nint)(delegate* unmanaged<ncclResult, byte*>)&GetErrorString,
        nameof(Nccl.ncclGetLastError) => (nint)(delegate* unmanaged<nint, byte*>)&GetLastError,
        nameof(Nccl.ncclGetUniqueId) => (nint)(delegate* unmanaged<ncclUniqueId*, ncclResult>)&GetUniqueId,
        nameof(Nccl.ncclCommInitRank) => (nint)(delegate* unmanaged<nint*, int, ncclUniqueId, int, ncclResult>)&CommInitRank,
        nameof(Nccl.ncclAllReduce) => (nint)(delegate* unmanaged<CUdeviceptr, CUdeviceptr, nuint, ncclDataType, ncclRedOp, nint, CUstream, ncclResult>)&AllReduce,
        nameof(Nccl.ncclCommDestroy) => (nint)(delegate* unmanaged<nint, ncclResult>)&CommDestroy,
        _ => throw new NotSupportedException($"the virtual NCCL has no {name}"),
    };

    [UnmanagedCallersOnly]
    static ncclResult GetVersion(int* version)
    {
        *version = 21503;
        return ncclResult.ncclSuccess;
    }

    /// <summary>As the library's own, texts are never freed.</summary>
    [UnmanagedCallersOnly]
    static byte* GetErrorString(ncclResult result) => (byte*)Marshal.StringToCoTaskMemUTF8($"the virtual NCCL's {(int)result}");

    [UnmanagedCallersOnly]
    static byte* GetLastError(nint communicator) => (byte*)Marshal.StringToCoTaskMemUTF8(problem ?? "");

    /// <summary>Random bytes in all of it, so that none may be lost on the way.</summary>
    [UnmanagedCallersOnly]
    static ncclResult GetUniqueId(ncclUniqueId* id)
    {
        Random.Shared.NextBytes(new Span<byte>(id->Internal, ncclUniqueId.Bytes));
        Meetings[Key(*id)] = new();
        return ncclResult.ncclSuccess;
    }

    [UnmanagedCallersOnly]
    static ncclResult CommInitRank(nint* communicator, int count, ncclUniqueId id, int rank) => Call(() =>
    {
        var context = VirtualContext.Current ?? throw new ArgumentException("there is no current context");
        if (!Meetings.TryGetValue(Key(id), out var meeting)) throw new ArgumentException("an id that nobody has got");
        meeting.Join(rank, count, context);
        *communicator = Registry.Add(new Communicator(meeting, rank, context));
    });

    [UnmanagedCallersOnly]
    static ncclResult AllReduce(CUdeviceptr send, CUdeviceptr receive, nuint elements, ncclDataType type, ncclRedOp operation, nint communicator, CUstream stream) => Call(() =>
    {
        var (own, queue) = (Registry.Get<Communicator>(communicator), Registry.Get<VirtualStream>(stream));
        if (type != ncclDataType.ncclFloat32 || operation != ncclRedOp.ncclSum) throw new ArgumentException($"{operation} of {type}");
        if (queue.Context != own.Context || VirtualContext.Current != own.Context) throw new ArgumentException("a stream or a current context of another device than the communicator's");
        if (send % sizeof(float) != 0 || receive % sizeof(float) != 0) throw new ArgumentException($"addresses 0x{send:x} and 0x{receive:x}, expected multiples of 4");
        var memory = own.Context.Memory;
        var bytes = checked((long)elements * sizeof(float));
        lock (own.Context.Gate)
        {
            memory.Range((ulong)send, bytes);
            memory.Range((ulong)receive, bytes);
            queue.Add(CUgraphNodeType.CU_GRAPH_NODE_TYPE_KERNEL, () =>
            {
                memory.ExpectWritten((ulong)send, bytes);
                var values = new float[elements];
                memory.Read((ulong)send, MemoryMarshal.AsBytes(values.AsSpan()));
                memory.Write((ulong)receive, MemoryMarshal.AsBytes<float>(own.Meeting.Sum(own.Rank, values)));
            });
        }
    });

    [UnmanagedCallersOnly]
    static ncclResult CommDestroy(nint communicator) => Call(() => Registry.Remove<Communicator>(communicator));

    static Guid Key(ncclUniqueId id) => new(System.Security.Cryptography.SHA256.HashData(new ReadOnlySpan<byte>(id.Internal, ncclUniqueId.Bytes)).AsSpan(0, 16));

    static ncclResult Call(Action call)
    {
        problem = null;
        try
        {
            call();
            return ncclResult.ncclSuccess;
        }
        catch (Exception error) when (error is ArgumentException or HandleException or MemoryException or OverflowException or TimeoutException)
        {
            problem = error.Message;
            return error is TimeoutException ? ncclResult.ncclSystemError : ncclResult.ncclInvalidArgument;
        }
    }
}
