namespace PeaEngine;

/// <summary>
/// Where tensors live and ops run. An op writes into tensors that it is given and allocates nothing; shapes are checked once, in
/// the layer that calls it. Activations are F32; weights are F32, F16 or BF16; statistics and sums are F32.
/// </summary>
public abstract partial class Backend : IDisposable
{
    /// <summary>What the command line calls it, such as <c>cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether what is uploaded stays. Where nothing does, weights are not even read.</summary>
    public virtual bool KeepsContents => true;

    /// <summary>Memory of this backend, aligned to <see cref="Arena.AlignmentBytes"/>, contents undefined.</summary>
    /// <exception cref="PeaException">There is not so much memory.</exception>
    public abstract Storage Allocate(long bytes);

    /// <summary>Copies host bytes into a tensor, from its byte <paramref name="byteOffset"/> on.</summary>
    public abstract void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0);

    /// <summary>Copies a tensor to the host, after all work on it.</summary>
    public abstract void Download(Tensor source, Span<byte> destination);

    /// <summary>Sets a tensor to zero.</summary>
    public abstract void Clear(Tensor tensor);

    /// <summary>Ends the backend's threads and frees its own memory.</summary>
    public abstract void Dispose();

    /// <summary>Copies host values into an F32 tensor.</summary>
    public void Upload(ReadOnlySpan<float> source, Tensor destination) =>
        Upload(System.Runtime.InteropServices.MemoryMarshal.AsBytes(source), destination);

    /// <summary>Copies an F32 tensor to host values.</summary>
    public void Download(Tensor source, Span<float> destination) =>
        Download(source, System.Runtime.InteropServices.MemoryMarshal.AsBytes(destination));

    /// <summary>Refuses a copy beyond a tensor's end.</summary>
    private protected static void CheckRange(Tensor tensor, long byteOffset, long bytes)
    {
        if (byteOffset < 0 || byteOffset + bytes > tensor.Bytes)
            throw new PeaException($"copy: {bytes} bytes at {byteOffset} of a tensor of {tensor.Bytes} bytes");
    }
}
