using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.Perf;
using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.Tests.Cuda;

/// <summary>An op and what it gave to the device.</summary>
/// <param name="Op">In lower case with underscores.</param>
/// <param name="Shape">The shapes that tell it from others.</param>
/// <param name="Channels">What a kernel reads in vectors of eight: channels of an image or a head, a product's depth; 0 where the op is no product.</param>
/// <param name="IsPlain">Whether it is a product without an activation.</param>
/// <param name="Launches">Its kernels.</param>
sealed record ObservedOp(string Op, string Shape, int Channels, bool IsPlain, IReadOnlyList<LaunchRecord> Launches);

/// <summary>A GPU's backend on the virtual device that tells op by op what is launched.</summary>
sealed class ObservedStep : ObservedBackend
{
    readonly CudaContext context;
    readonly CudaBackend device;
    int channels;
    bool isPlain;

    public ObservedStep(DType type) : this(CudaTestDevice.OpenVirtual(VirtualDriver.Multiprocessors), type) { }

    ObservedStep(CudaContext context, DType type) : this(context, new CudaBackend(context, type)) { }

    ObservedStep(CudaContext context, CudaBackend device) : base(device) => (this.context, this.device, Device) = (context, device, VirtualContext.Current!);

    /// <summary>What counts copies and allocations.</summary>
    public VirtualContext Device { get; }

    /// <summary>The ops so far.</summary>
    public List<ObservedOp> Ops { get; } = [];

    /// <summary>Whether each op is waited for and told. Else it goes on as it would without this.</summary>
    public bool IsObserving { get; set; }

    public override Recording Record(Action work) => device.Record(work);

    /// <summary>The kernels of all work since the last call.</summary>
    public IReadOnlyList<LaunchRecord> Launches()
    {
        context.Synchronize();
        var launches = Device.Launches;
        Device.ForgetLaunches();
        return launches;
    }

    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null)
    {
        channels = q.Shape[2] / heads;
        base.Attention(q, k, v, y, heads, scale, mask, logSumExp);
    }

    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null)
    {
        channels = x.Shape[3];
        base.Conv2d(x, weight, bias, y, geometry, shift, residual);
    }

    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu)
    {
        channels = x.Shape[-1];
        base.Geglu(x, weight, bias, y, activation);
    }

    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        (channels, isPlain) = (x.Shape[-1], activation == Activation.None);
        base.Linear(x, weight, bias, y, activation, residual);
    }

    public override void Dispose()
    {
        device.Dispose();
        base.Dispose();
    }

    protected override void Observe(in OpCall call, Action run)
    {
        if (IsObserving) Launches();
        run();
        if (IsObserving) Ops.Add(new(call.Op, call.Shape, channels, isPlain, Launches()));
        (channels, isPlain) = (0, false);
    }
}
