using PeaEngine.Formats;

namespace PeaEngine.Tests.Models;

/// <summary>
/// The tensors of another source under other names and shapes. Where the size stays the bytes are the source's, else zeros.
/// </summary>
sealed class DerivedTensors(ITensorSource source, Func<TensorInfo, TensorInfo> derive) : ITensorSource
{
    readonly Dictionary<string, TensorInfo> origins = source.Tensors.Values.ToDictionary(info => derive(info).Name);

    public string Path => source.Path;

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = source.Tensors.Values.Select(derive).ToDictionary(info => info.Name);

    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        if (origins[name].Bytes == Tensors[name].Bytes) source.Read(origins[name].Name, byteOffset, destination);
        else destination.Clear();
    }

    public void Dispose() { }
}
