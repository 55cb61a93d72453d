namespace PeaEngine.Cuda;

/// <summary>
/// Memory of the device, contents undefined, aligned to 256 bytes. It belongs to a stream: that stream's work may use it at once and until it is disposed; work of other
/// streams has to be ordered after its making and before its end by events.
/// </summary>
public sealed unsafe class DeviceBuffer : CudaResource
{
    readonly CudaStream stream;

    internal DeviceBuffer(CudaStream stream, long bytes) : base(stream.Context)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        (this.stream, Bytes) = (stream, bytes);
        Address = Context.Pool.Allocate(stream, bytes);
        Own();
    }

    /// <summary>Where it begins in the device's memory.</summary>
    public nint Address { get; }

    /// <summary>The size in bytes.</summary>
    public long Bytes { get; }

    private protected override void Destroy() => Context.Driver.cuMemFreeAsync(Address, stream.Handle);
}
