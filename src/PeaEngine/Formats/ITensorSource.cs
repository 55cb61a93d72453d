using System.Collections.ObjectModel;

namespace PeaEngine.Formats;

/// <summary>A tensor of a checkpoint as its file describes it.</summary>
/// <param name="Name">The key.</param>
/// <param name="DType">The stored element type.</param>
/// <param name="Shape">The extents, outermost first; any number of them.</param>
public sealed record TensorInfo(string Name, DType DType, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements. The size in bytes is checked to fit a long.</summary>
    /// <exception cref="PeaException">It does not, or an extent is negative.</exception>
    public long Elements { get; } = Count(Name, DType, Shape);

    /// <summary>The size in bytes.</summary>
    public long Bytes => Elements * DType.SizeInBytes();

    /// <summary>As in <c>[320,4,3,3] F16</c>.</summary>
    public override string ToString() => $"[{string.Join(',', Shape)}] {DType}";

    static long Count(string name, DType dtype, IReadOnlyList<long> shape)
    {
        Int128 elements = 1;
        foreach (var extent in shape)
        {
            elements *= extent;
            if (extent < 0 || elements * dtype.SizeInBytes() > long.MaxValue)
                throw new PeaException($"tensor {Quoted.Of(name)}: shape [{string.Join(',', shape)}] {dtype}, expected extents of 0 or more and a size below 2^63 bytes");
        }
        return (long)elements;
    }
}

/// <summary>Named tensors that can be read piece by piece: one file, or several that make up one checkpoint.</summary>
public interface ITensorSource : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    string Path { get; }

    /// <summary>Every tensor by its key.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>What a file notes beside its tensors; empty where it notes nothing.</summary>
    IReadOnlyDictionary<string, string> Metadata => ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// The tensor that a model of these extents looks for, or null. A source that has no file behind it, for a measurement or a dry run,
    /// answers with what is expected.
    /// </summary>
    /// <param name="name">The key.</param>
    /// <param name="expected">The extents that the model wants, outermost first.</param>
    TensorInfo? Find(string name, IReadOnlyList<long> expected) => Tensors.GetValueOrDefault(name);

    /// <summary>Fills <paramref name="destination"/> with the tensor's bytes (little endian, row major) from <paramref name="byteOffset"/> on.</summary>
    /// <exception cref="PeaException">There is no such tensor, the range lies outside it, or the file cannot be read.</exception>
    void Read(string name, long byteOffset, Span<byte> destination);
}

/// <summary>What every source checks before it reads.</summary>
static class TensorSources
{
    /// <summary>The tensor of this name, of which a range of bytes is about to be read.</summary>
    /// <exception cref="PeaException">There is no such tensor, or the range lies outside it.</exception>
    public static TensorInfo Locate(this ITensorSource source, string name, long byteOffset, int bytes)
    {
        if (!source.Tensors.TryGetValue(name, out var info)) throw new PeaException($"{source.Path}: no tensor {Quoted.Of(name)}");
        if (byteOffset < 0 || byteOffset > info.Bytes || bytes > info.Bytes - byteOffset)
            throw new PeaException($"{source.Path}: {bytes} bytes from byte {byteOffset} of tensor {Quoted.Of(name)}, expected a range within its {info.Bytes}");
        return info;
    }
}
