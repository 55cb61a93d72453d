using PeaEngine.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>Random changes of every weight of a model, as they are.</summary>
sealed class RandomDifferences
{
    readonly Dictionary<string, (long[] Shape, float[] Values)> changes = [];

    public RandomDifferences(ITensorSource checkpoint, int seed)
    {
        var random = new Random(seed);
        foreach (var info in checkpoint.Tensors.Values.Where(info => info.Shape.Count is 2 or 4 && info.Name.EndsWith(".weight", StringComparison.Ordinal)).OrderBy(info => info.Name, StringComparer.Ordinal))
        {
            var values = new float[info.Elements];
            for (var i = 0; i < values.Length; i++) values[i] = random.Next(-127, 128) / 256f;
            changes.Add(info.Name, ([.. info.Shape], values));
        }
    }

    /// <summary>By the weights' keys, in the file's order.</summary>
    public IReadOnlyDictionary<string, float[]> Values => changes.ToDictionary(pair => pair.Key, pair => pair.Value.Values);

    /// <summary>The names that kohya's trainer and LyCORIS give them.</summary>
    public IEnumerable<TensorContent> Tensors(string prefix) =>
        changes.Select(pair => TensorContent.FromSingles($"{prefix}{pair.Key[..^".weight".Length].Replace('.', '_')}.diff", pair.Value.Shape, pair.Value.Values));
}
