using PeaEngine.Backends;

namespace PeaEngine.Perf.Gpu;

/// <summary>The engine's backend of GPUs on a <see cref="PaperDevice"/>: each op's launches are kept with what the op must compute and move.</summary>
sealed class PaperBackend : ObservedBackend
{
    readonly PaperDevice device;
    readonly CudaBackend inner;

    public PaperBackend(Chip chip, DType activations, bool hasLibrary = true) : this(new PaperDevice(chip, hasLibrary), activations) { }

    PaperBackend(PaperDevice device, DType activations) : this(device, device.Open(activations)) { }

    PaperBackend(PaperDevice device, CudaBackend inner) : base(inner) => (this.device, this.inner) = (device, inner);

    /// <summary>What was launched since the last <see cref="Forget"/>.</summary>
    public List<KernelLaunch> Launches { get; } = [];

    public override bool KeepsContents => false;

    public void Forget() => Launches.Clear();

    public override void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0) { }

    public override void Download(Tensor source, Span<byte> destination) => destination.Clear();

    public override void Clear(Tensor tensor) => Observe(new("clear", $"{tensor.Shape}", 0, tensor.Bytes, 0), () => inner.Clear(tensor));

    public override void Dispose()
    {
        inner.Dispose();
        base.Dispose();
    }

    protected override void Observe(in OpCall call, Action run)
    {
        device.Launches.Clear();
        try
        {
            run();
        }
        catch (PeaException error) when (error.Message.Contains(CpuOnly, StringComparison.Ordinal))
        {
            Launches.Add(new(KernelLaunch.None, default, call));
            return;
        }
        Launches.AddRange(Traffic.Divide(call, device.Launches));
    }

    /// <summary>What the backend says of an op that it leaves to the CPU.</summary>
    const string CpuOnly = "is computed on the CPU only";
}
