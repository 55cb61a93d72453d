using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>
    /// A run of thousands of kernels by one call. The first run does the work as it is, so that kernels are loaded and workspaces have their size; the second records it into a graph, which all from then on launch.
    /// </summary>
    /// <inheritdoc/>
    public override Recording Record(Action work) => new CudaRecording(stream, work);

    sealed class CudaRecording(CudaStream stream, Action work) : Recording
    {
        bool isWarm;
        CudaGraph? graph;

        public override void Run()
        {
            if (!isWarm)
            {
                work();
                isWarm = true;
                return;
            }
            graph ??= stream.Capture(work);
            graph.Launch(stream);
        }

        public override void Dispose() => graph?.Dispose();
    }
}
