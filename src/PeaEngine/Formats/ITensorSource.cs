namespace PeaEngine.Formats;

/// <summary>A tensor of a checkpoint as its file describes it.</summary>
/// <param name="Name">The key.</param>
/// <param name="DType">The stored element type.</param>
/// <param name="Shape">The extents, outermost first; any number of them.</param>
public sealed record TensorInfo(string Name, DType DType, IReadOnlyList<long> Shape)
{
    /// <summary>The number of elements. Readers have checked that it does not overflow.</summary>
    public long Elements { get; } = Shape.Aggregate(1L, (product, extent) => checked(product * extent));

    /// <summary>The size in bytes.</summary>
    public long Bytes => Elements * DType.SizeInBytes();

    /// <summary>As in <c>[320,4,3,3] F16</c>.</summary>
    public override string ToString() => $"[{string.Join(',', Shape)}] {DType}";
}

/// <summary>Named tensors that can be read piece by piece: one file, or several that make up one checkpoint.</summary>
public interface ITensorSource : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    string Path { get; }

    /// <summary>Every tensor by its key.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>Fills <paramref name="destination"/> with the tensor's bytes (little endian, row major) from <paramref name="byteOffset"/> on.</summary>
    /// <exception cref="PeaException">There is no such tensor, the range lies outside it, or the file cannot be read.</exception>
    void Read(string name, long byteOffset, Span<byte> destination);
}
