namespace PeaEngine;

/// <summary>
/// One slab of memory with two ends: what is kept grows up from the bottom, scratch grows down from the top and is released
/// by scope. A collision is an error that names both sizes. Over a <see cref="Backends.NullBackend"/> it only measures.
/// </summary>
public sealed class Arena : IDisposable
{
    /// <summary>Every tensor begins at a multiple of this many bytes: a cache line, and a vector of AVX-512.</summary>
    public const int AlignmentBytes = 64;

    readonly Storage slab;
    long kept, scratch;

    /// <summary>An arena of <paramref name="bytes"/> of the backend's memory.</summary>
    public Arena(Backend backend, long bytes)
    {
        ArgumentNullException.ThrowIfNull(backend);
        slab = backend.Allocate(Align(bytes));
        Capacity = slab.Bytes;
    }

    /// <summary>The size of the slab in bytes.</summary>
    public long Capacity { get; }

    /// <summary>The most bytes that were in use at once, both ends together.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>The bytes in use at the kept end; a mark for <see cref="ReleaseKept"/>.</summary>
    public long KeptBytes => kept;

    /// <summary>The bytes in use at the scratch end; a mark for <see cref="ReleaseScratch"/>.</summary>
    public long ScratchBytes => scratch;

    /// <summary>A tensor at the kept end.</summary>
    public Tensor Keep(Shape shape, DType dtype)
    {
        var bytes = Reserve(shape, dtype);
        var tensor = new Tensor(slab, kept, shape, dtype);
        kept += bytes;
        return tensor;
    }

    /// <summary>A tensor at the scratch end.</summary>
    public Tensor Scratch(Shape shape, DType dtype)
    {
        scratch += Reserve(shape, dtype);
        return new Tensor(slab, Capacity - scratch, shape, dtype);
    }

    /// <summary>Gives back all that was kept since <see cref="KeptBytes"/> was <paramref name="mark"/>.</summary>
    public void ReleaseKept(long mark) => kept = mark;

    /// <summary>Gives back all scratch since <see cref="ScratchBytes"/> was <paramref name="mark"/>.</summary>
    public void ReleaseScratch(long mark) => scratch = mark;

    /// <summary>Frees the slab.</summary>
    public void Dispose() => slab.Dispose();

    /// <summary>The next multiple of <see cref="AlignmentBytes"/>.</summary>
    public static long Align(long bytes) => (bytes + AlignmentBytes - 1) & -AlignmentBytes;

    long Reserve(Shape shape, DType dtype)
    {
        var bytes = Align(shape.Elements * dtype.SizeInBytes());
        if (kept + scratch + bytes > Capacity)
            throw new PeaException($"arena: {shape} {dtype} wants {bytes} bytes, but {kept} kept and {scratch} scratch of {Capacity} are in use");
        PeakBytes = Math.Max(PeakBytes, kept + scratch + bytes);
        return bytes;
    }
}
