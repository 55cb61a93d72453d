using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>Random factors for the weights of a model, written under the names of any trainer.</summary>
sealed class RandomLora
{
    readonly Dictionary<string, (long[] DownShape, float[] Down, long[] UpShape, float[] Up)> modules = [];

    /// <summary>Factors for these tensors of a checkpoint, of its matrices' and convolutions' shapes, whose modules may have another name in the LoRA.</summary>
    public RandomLora(ITensorSource checkpoint, Func<string, bool> take, int rank, int seed, Func<string, string>? rename = null)
    {
        var random = new Random(seed);
        foreach (var info in checkpoint.Tensors.Values.Where(info => info.Shape.Count is 2 or 4 && info.Name.EndsWith(".weight", StringComparison.Ordinal) && take(info.Name))
            .OrderBy(info => info.Name, StringComparer.Ordinal))
        {
            long[] down = [rank, .. info.Shape.Skip(1)], up = [info.Shape[0], rank, .. info.Shape.Skip(2).Select(_ => 1L)];
            var module = info.Name[..^".weight".Length];
            modules.Add(rename?.Invoke(module) ?? module, (down, Draw(random, down), up, Draw(random, up)));
        }
        Assert.NotEmpty(modules);
    }

    /// <summary>The modules' names, with dots.</summary>
    public IEnumerable<string> Modules => modules.Keys;

    /// <summary>kohya's names: underscores for dots, an alpha beside each pair where one is given.</summary>
    public IEnumerable<TensorContent> Kohya(string prefix, float? alpha = null, Func<string, string>? rename = null)
    {
        foreach (var (module, (downShape, down, upShape, up)) in modules)
        {
            var name = prefix + (rename?.Invoke(module) ?? module).Replace('.', '_');
            yield return TensorContent.FromSingles(name + ".lora_down.weight", downShape, down);
            yield return TensorContent.FromSingles(name + ".lora_up.weight", upShape, up);
            if (alpha is { } value) yield return TensorContent.FromSingles(name + ".alpha", [], new[] { value });
        }
    }

    /// <summary>Names with dots, made of the module's and of what stands for the part.</summary>
    public IEnumerable<TensorContent> Dotted(Func<string, string> down, Func<string, string> up) => modules.SelectMany(pair => new[]
    {
        TensorContent.FromSingles(down(pair.Key), pair.Value.DownShape, pair.Value.Down),
        TensorContent.FromSingles(up(pair.Key), pair.Value.UpShape, pair.Value.Up),
    });

    /// <summary>peft's names.</summary>
    public IEnumerable<TensorContent> Peft(string prefix) => Dotted(module => $"{prefix}{module}.lora_A.weight", module => $"{prefix}{module}.lora_B.weight");

    /// <summary>factor · up · down in double precision, [O, I·k·k] in the file's order.</summary>
    public double[] Product(string module, double factor)
    {
        var (downShape, down, upShape, up) = modules[module];
        var (rank, outputs, columns) = ((int)downShape[0], (int)upShape[0], down.Length / (int)downShape[0]);
        var product = new double[outputs * columns];
        for (var o = 0; o < outputs; o++)
            for (var r = 0; r < rank; r++)
                for (var i = 0; i < columns; i++) product[o * columns + i] += factor * up[o * rank + r] * down[r * columns + i];
        return product;
    }

    /// <summary>The same tensor in F16, which holds its values exactly.</summary>
    public static TensorContent Half(TensorContent tensor)
    {
        var raw = new byte[tensor.Info.Bytes];
        tensor.Read(0, raw);
        var halves = Array.ConvertAll(MemoryMarshal.Cast<byte, float>(raw).ToArray(), value => (System.Half)value);
        return TensorContent.FromBytes(tensor.Info with { DType = DType.F16 }, MemoryMarshal.AsBytes<System.Half>(halves).ToArray());
    }

    static float[] Draw(Random random, long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        // Multiples of 1/256, which halves and bfloat16 hold too.
        for (var i = 0; i < values.Length; i++) values[i] = random.Next(-127, 128) / 256f;
        return values;
    }
}
