using System.Buffers;
using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine;

/// <summary>
/// Where tensors live and ops run. An op writes into tensors that it is given and allocates nothing; shapes are checked once, in
/// the layer that calls it. Activations are of one type in a call, which ops' parameters call T: F32, or on a GPU also F16 or BF16. Weights are F32,
/// F16 or BF16; statistics and sums are F32.
/// </summary>
public abstract partial class Backend : IDisposable
{
    /// <summary>Elements that are converted on the host before they are copied.</summary>
    const int ConvertedElements = 1 << 20;

    /// <summary>What the command line calls it, such as <c>cpu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether what is uploaded stays. Where nothing does, weights are not even read.</summary>
    public virtual bool KeepsContents => true;

    /// <summary>What activations are where no type is named. Latents, timesteps, attention's biases, losses and what a scheduler remembers are F32 all the same.</summary>
    public virtual DType ActivationType => DType.F32;

    /// <summary>What a matrix or a convolution becomes when it is loaded: what it is stored in, but the activations' type where that has 16 bits, so that no product need convert it.</summary>
    public DType WeightType(DType stored) => ActivationType == DType.F32 ? stored : ActivationType;

    /// <summary>Memory of this backend, aligned to <see cref="Arena.AlignmentBytes"/>, contents undefined.</summary>
    /// <exception cref="PeaException">There is not so much memory.</exception>
    public abstract Storage Allocate(long bytes);

    /// <summary>Copies host bytes into a tensor, from its byte <paramref name="byteOffset"/> on.</summary>
    public abstract void Upload(ReadOnlySpan<byte> source, Tensor destination, long byteOffset = 0);

    /// <summary>Copies a tensor to the host, after all work on it.</summary>
    public abstract void Download(Tensor source, Span<byte> destination);

    /// <summary>Sets a tensor to zero.</summary>
    public abstract void Clear(Tensor tensor);

    /// <summary>
    /// Work that will be done many times. A backend may remember the ops and their arguments of one run and do without calling <paramref name="work"/> in those that follow: what differs from run to run lies in
    /// tensors, always the same ones, and the work is ops alone, which allocate, upload and download nothing. Whoever asked for the recording disposes it before its tensors' memory.
    /// </summary>
    /// <param name="work">What to do; where it throws, the run did nothing that counts and may be tried again.</param>
    public virtual Recording Record(Action work) => new Repetition(work);

    /// <summary>A way for inputs of up to so many bytes to come while other work is done; whoever asked for it disposes it.</summary>
    /// <exception cref="PeaException">There is not so much memory.</exception>
    public virtual Feed OpenFeed(int bytes) => new HostFeed(this, bytes);

    /// <summary>Meets other processes, to sum tensors with them. Each of them calls this.</summary>
    /// <exception cref="PeaException">The devices cannot meet.</exception>
    public virtual PeerSum SumOver(IPeers peers) => new HostSum(peers);

    /// <summary>Ends the backend's threads and frees its own memory.</summary>
    public abstract void Dispose();

    /// <summary>Copies host values into a tensor of F32, F16 or BF16, rounded to its type.</summary>
    /// <exception cref="PeaException">The tensor is of another type, or has fewer elements.</exception>
    public void Upload(ReadOnlySpan<float> source, Tensor destination)
    {
        if (destination.DType == DType.F32)
        {
            Upload(MemoryMarshal.AsBytes(source), destination);
            return;
        }
        var size = destination.DType.SizeInBytes();
        var piece = ArrayPool<byte>.Shared.Rent(Math.Min(source.Length, ConvertedElements) * size);
        for (var at = 0; at < source.Length; at += ConvertedElements)
        {
            var part = source[at..Math.Min(at + ConvertedElements, source.Length)];
            var converted = piece.AsSpan(0, part.Length * size);
            HalfConversion.FromSingle(part, destination.DType, converted);
            Upload(converted, destination, (long)at * size);
        }
        ArrayPool<byte>.Shared.Return(piece);
    }

    /// <summary>Copies a tensor of F32, F16 or BF16 to host values, after all work on it.</summary>
    /// <exception cref="PeaException">The tensor is of another type, or has fewer elements.</exception>
    public void Download(Tensor source, Span<float> destination)
    {
        if (source.DType == DType.F32)
        {
            Download(source, MemoryMarshal.AsBytes(destination));
            return;
        }
        var size = source.DType.SizeInBytes();
        CheckRange(source, 0, (long)destination.Length * size);
        var piece = ArrayPool<byte>.Shared.Rent(Math.Min(destination.Length, ConvertedElements) * size);
        for (var at = 0; at < destination.Length; at += ConvertedElements)
        {
            var part = destination[at..Math.Min(at + ConvertedElements, destination.Length)];
            var stored = piece.AsSpan(0, part.Length * size);
            Download(new Tensor(source.Storage, source.ByteOffset + (long)at * size, [part.Length], source.DType), stored);
            HalfConversion.ToSingle(stored, source.DType, part);
        }
        ArrayPool<byte>.Shared.Return(piece);
    }

    /// <summary>Refuses a copy beyond a tensor's end.</summary>
    private protected static void CheckRange(Tensor tensor, long byteOffset, long bytes)
    {
        if (byteOffset < 0 || byteOffset + bytes > tensor.Bytes)
            throw new PeaException($"copy: {bytes} bytes at {byteOffset} of a tensor of {tensor.Bytes} bytes");
    }
}
