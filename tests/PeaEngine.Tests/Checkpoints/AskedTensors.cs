using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>Tensors with nothing behind them: whatever a model asks for is there, in the shape that it wants, and is remembered; for backends that keep nothing.</summary>
sealed class AskedTensors : ITensorSource
{
    readonly Dictionary<string, TensorInfo> asked = [];

    public string Path => "nothing";

    public IReadOnlyDictionary<string, TensorInfo> Tensors => asked;

    public TensorInfo? Find(string name, IReadOnlyList<long> expected) => asked[name] = new TensorInfo(name, DType.F16, [.. expected]);

    public void Read(string name, long byteOffset, Span<byte> destination) => throw new NotSupportedException();

    public void Dispose() { }
}

/// <summary>The header of a file with no file behind it.</summary>
sealed class HeaderOnly(IEnumerable<TensorInfo> tensors) : ITensorSource
{
    public string Path => "model.safetensors";

    public IReadOnlyDictionary<string, TensorInfo> Tensors { get; } = tensors.ToDictionary(info => info.Name);

    public void Read(string name, long byteOffset, Span<byte> destination) => throw new NotSupportedException();

    public void Dispose() { }
}
