using PeaEngine.Formats;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>A checkpoint under other keys, with more keys that have nothing behind them.</summary>
sealed class RenamedTensors(ITensorSource source, Func<string, string> rename, params string[] more) : ITensorSource
{
    readonly Dictionary<string, string> originals = source.Tensors.Keys.ToDictionary(rename);

    public string Path => source.Path;

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = source.Tensors.Values.Select(info => info with { Name = rename(info.Name) })
        .Concat(more.Select(name => new TensorInfo(name, DType.I64, [1]))).ToDictionary(info => info.Name);

    public void Read(string name, long byteOffset, Span<byte> destination) => source.Read(originals[name], byteOffset, destination);

    public void Dispose() => source.Dispose();
}
