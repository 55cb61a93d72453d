namespace PeaEngine.Cuda;

/// <summary>Memory of the host that the device reads and writes by itself, contents undefined.</summary>
public sealed unsafe class PinnedBuffer : CudaResource
{
    readonly void* address;

    /// <summary>So many bytes.</summary>
    /// <exception cref="CudaException">There is not so much memory.</exception>
    public PinnedBuffer(CudaContext context, int bytes) : base(context)
    {
        void* block;
        context.Bind();
        context.Check(context.Driver.cuMemHostAlloc(&block, (nuint)bytes, 0), nameof(context.Driver.cuMemHostAlloc), $"{bytes} bytes");
        address = block;
        Bytes = bytes;
        Own();
    }

    /// <summary>The size in bytes.</summary>
    public int Bytes { get; }

    /// <summary>The memory.</summary>
    public Span<byte> Span => new(address, Bytes);

    internal void* Address => address;

    private protected override void Destroy() => Context.Driver.cuMemFreeHost(address);
}
