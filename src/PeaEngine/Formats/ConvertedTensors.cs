namespace PeaEngine.Formats;

/// <summary>A checkpoint whose floating tensors are converted to one type while they are read. The checkpoint stays the caller's.</summary>
public sealed class ConvertedTensors : ITensorSource
{
    readonly Dictionary<string, TensorContent> contents;

    /// <summary>A view of a checkpoint.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="dtype">F32, F16 or BF16.</param>
    public ConvertedTensors(ITensorSource source, DType dtype)
    {
        ArgumentNullException.ThrowIfNull(source);
        Path = source.Path;
        contents = source.Tensors.Keys.ToDictionary(name => name, name => TensorContent.FromSource(source, name, dtype));
        Tensors = contents.ToDictionary(pair => pair.Key, pair => pair.Value.Info);
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        _ = this.Locate(name, byteOffset, destination.Length);
        contents[name].Read(byteOffset, destination);
    }

    /// <summary>Nothing is its own.</summary>
    public void Dispose()
    {
    }
}
