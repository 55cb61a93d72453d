using System.Runtime.InteropServices;
using PeaEngine.Cuda;
using PeaEngine.Cuda.Sys;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Sums by NCCL where all processes have it, in the order of the ops; otherwise by the processes themselves, piece by piece in pinned memory.</summary>
    /// <inheritdoc/>
    public override PeerSum SumOver(IPeers peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        context.Begin("sum over processes");
        var library = context.Libraries.Nccl.Value;
        Span<double> having = [library == null ? 0 : 1];
        peers.Sum(having);
        return library != null && having[0] == peers.Count ? new LibrarySum(this, library, peers) : new StagedSum(this, peers);
    }

    sealed class StagedSum(CudaBackend backend, IPeers peers) : PeerSum
    {
        readonly Staging.Changed sum = bytes => peers.Sum(MemoryMarshal.Cast<byte, float>(bytes));

        public override void Run(Tensor values)
        {
            CheckSingle("sum over processes", values);
            backend.Begin("sum over processes", values);
            backend.staging.Change(values.Address, values.Bytes, sum);
        }

        public override void Dispose() { }
    }

    sealed class LibrarySum : PeerSum
    {
        readonly CudaBackend backend;
        readonly CudaCommunicator communicator;

        public LibrarySum(CudaBackend backend, Nccl library, IPeers peers)
        {
            this.backend = backend;
            Span<byte> id = stackalloc byte[CudaCommunicator.IdBytes];
            id.Clear();
            if (peers.Rank == 0) CudaCommunicator.MakeId(library, backend.context, id);
            // The first tells the others: they add nothing.
            Span<float> told = stackalloc float[id.Length];
            for (var i = 0; i < id.Length; i++) told[i] = id[i];
            peers.Sum(told);
            for (var i = 0; i < id.Length; i++) id[i] = (byte)told[i];
            communicator = new(library, backend.stream, id, peers.Rank, peers.Count);
        }

        public override void Run(Tensor values)
        {
            CheckSingle("sum over processes", values);
            backend.Begin("sum over processes", values);
            communicator.Sum(values.Address, values.Elements);
        }

        public override void Dispose() => communicator.Dispose();
    }
}
