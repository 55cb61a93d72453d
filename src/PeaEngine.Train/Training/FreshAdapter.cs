using PeaEngine.Formats;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Training;

/// <summary>An adapter before its first step: weights as torch's Linear begins with, uniform within 1/√inputs, and a norm that changes nothing.</summary>
static class FreshAdapter
{
    /// <summary>The keys of its norm.</summary>
    public const string NormWeight = "layernorm.weight", NormBias = "layernorm.bias";

    /// <summary>Writes one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="widths">The student's channels, the hidden ones, and those of the pooled embedding, or of the sequence where there is none.</param>
    /// <param name="sequence">Channels of the sequence, where there is a pooled embedding.</param>
    /// <param name="notes">What the file notes.</param>
    public static void Write(string path, ulong seed, IReadOnlyList<int> widths, int? sequence, IReadOnlyDictionary<string, string> notes)
    {
        var tensors = new List<TensorContent> { Filled(NormWeight, widths[0], 1), Filled(NormBias, widths[0], 0) };
        for (var i = 0; i < widths.Count - 1; i++) tensors.Add(Matrix($"projector.{2 * i}.weight", widths[i + 1], widths[i]));
        if (sequence is { } features)
        {
            tensors.Add(Matrix("fc.weight", features, widths[^1]));
            tensors.Add(Uniform("fc.bias", [features], widths[^1]));
        }
        SafetensorsWriter.Write(path, tensors, notes);

        TensorContent Matrix(string name, int outputs, int inputs) => Uniform(name, [outputs, inputs], inputs);

        TensorContent Uniform(string name, long[] shape, int inputs) => TensorContent.FromSingles(name, shape,
            FreshWeights.Uniform(shape.Aggregate(1L, (size, extent) => size * extent), inputs, new Philox(seed, (uint)RandomStream.Adapter, (ulong)tensors.Count)));
    }

    static TensorContent Filled(string name, int count, float value)
    {
        var values = new float[count];
        Array.Fill(values, value);
        return TensorContent.FromSingles(name, [count], values);
    }
}
