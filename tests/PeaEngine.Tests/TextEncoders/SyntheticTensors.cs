using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>A checkpoint with no file behind it: it has whatever a model asks for, F16 and the same values each time, and remembers what that was.</summary>
sealed class SyntheticTensors(Func<string, DType>? dtype = null) : ITensorSource
{
    readonly Dictionary<string, TensorInfo> asked = [];

    public string Path => "synthetic";

    public IReadOnlyDictionary<string, TensorInfo> Tensors => asked;

    /// <summary>The number of elements of all that was asked for.</summary>
    public long Parameters => asked.Values.Sum(info => info.Elements);

    public TensorInfo? Find(string name, IReadOnlyList<long> expected) => asked[name] = new(name, dtype?.Invoke(name) ?? DType.F16, [.. expected]);

    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        var halves = MemoryMarshal.Cast<byte, Half>(destination);
        // Small steps around zero, told apart by name and place; large tensors, which only tests of sizes have, stay zero.
        if (asked[name].Bytes > 1 << 20) destination.Clear();
        else for (var i = 0; i < halves.Length; i++) halves[i] = (Half)((((byteOffset / 2 + i) * 37 + name.Length * 11) % 101 - 50) / 400.0);
    }

    /// <summary>Writes what was asked for under other keys, with more tensors of zeros.</summary>
    public void Write(string path, Func<string, string> rename, params TensorInfo[] more) => SafetensorsWriter.Write(path,
    [
        .. asked.Values.Select(info => TensorContent.FromSource(this, info.Name) is var content ? content with { Info = info with { Name = rename(info.Name) } } : content),
        .. more.Select(info => TensorContent.FromBytes(info, new byte[info.Bytes])),
    ]);

    public void Dispose() { }
}
