using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Checks;
using PeaEngine.VirtualGpu.Driver;
using PeaEngine.VirtualGpu.Machine;

namespace PeaEngine.Perf.Gpu;

/// <summary>The engine's backend of GPUs on the virtual one, which executes the kernels and counts what they do.</summary>
sealed class CountingBackend : ObservedBackend
{
    readonly CudaContext context;
    readonly CudaBackend inner;
    readonly VirtualContext device;
    readonly List<(KernelLaunch Launch, Counters Counters)> counted;

    public CountingBackend(NvrtcCompiler compiler, DType activations, List<(KernelLaunch Launch, Counters Counters)> counted, bool hasLibrary = false)
        : this(new CudaContext(Libraries(compiler, hasLibrary)), activations, counted) { }

    CountingBackend(CudaContext context, DType activations, List<(KernelLaunch Launch, Counters Counters)> counted) : this(context, new CudaBackend(context, activations), counted) { }

    CountingBackend(CudaContext context, CudaBackend inner, List<(KernelLaunch Launch, Counters Counters)> counted) : base(inner) =>
        (this.context, this.inner, device, this.counted) = (context, inner, VirtualContext.Current!, counted);

    public override void Dispose()
    {
        inner.Dispose();
        base.Dispose();
    }

    protected override void Observe(in OpCall call, Action run)
    {
        context.Synchronize();
        device.ForgetLaunches();
        run();
        context.Synchronize();
        var launches = device.Launches;
        var shapes = launches.Select(launch => (launch.Kernel, new LaunchShape(Extents(launch.Grid), Extents(launch.Block), launch.SharedBytes)));
        counted.AddRange(Traffic.Divide(call, [.. shapes]).Zip(launches, (launch, record) => (launch, record.Counters)));
    }

    static Extents Extents(Extent extent) => new(extent.X, extent.Y, extent.Z);

    static CudaLibraries Libraries(NvrtcCompiler compiler, bool hasLibrary)
    {
        var all = VirtualDriver.Libraries(compiler);
        return hasLibrary ? all : new(all.Driver, all.Compiler, all.LoadsPtx);
    }
}
