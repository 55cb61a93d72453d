using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Perf.Models;

/// <summary>
/// Weights of any model, made up in F16 as they are asked for: norms are 1, biases 0, the rest is uniform with a variance that keeps
/// activations at their size. What was asked for is remembered, so that it can be written to a file.
/// </summary>
sealed class RandomWeights : ITensorSource
{
    const int TableElements = 1 << 16;

    readonly Dictionary<string, TensorInfo> asked = [];
    readonly float[] uniform = new float[TableElements];

    public RandomWeights()
    {
        var random = new Random(1);
        for (var i = 0; i < uniform.Length; i++) uniform[i] = random.NextSingle() * 2 - 1;
    }

    public string Path => "random weights";

    public IReadOnlyDictionary<string, TensorInfo> Tensors => asked;

    public TensorInfo? Find(string name, IReadOnlyList<long> expected) => asked[name] = new TensorInfo(name, DType.F16, [.. expected]);

    public void Read(string name, long byteOffset, Span<byte> destination)
    {
        var info = asked[name];
        var halves = MemoryMarshal.Cast<byte, Half>(destination);
        if (info.Shape.Count == 1)
        {
            halves.Fill(name.EndsWith("weight", StringComparison.Ordinal) ? (Half)1 : (Half)0);
            return;
        }
        var scale = 1 / MathF.Sqrt(info.Elements / info.Shape[0]);
        Span<Half> table = stackalloc Half[4096];
        for (var i = 0; i < table.Length; i++) table[i] = (Half)(uniform[(i * 17 + name.Length) % TableElements] * scale);
        for (var i = 0; i < halves.Length; i += table.Length) table[..Math.Min(table.Length, halves.Length - i)].CopyTo(halves[i..]);
    }

    public void Dispose() { }
}
