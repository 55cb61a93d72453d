using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>A weight that a LoRA may change.</summary>
/// <param name="Component">The pipeline's component: unet, text_encoder or text_encoder_2.</param>
/// <param name="Key">The checkpoint's key.</param>
/// <param name="Outputs">O of [O, I, kernel, kernel], or of a matrix [O, I].</param>
/// <param name="Inputs">I</param>
/// <param name="Kernel">1 for a matrix too.</param>
readonly record struct LoraWeight(string Component, string Key, long Outputs, long Inputs, long Kernel)
{
    public override string ToString() => Kernel == 1 ? $"[{Outputs},{Inputs}]" : $"[{Outputs},{Inputs},{Kernel},{Kernel}]";
}

/// <summary>
/// The weights of a pipeline that a LoRA may change. Names with underscores for dots are looked up among the model's own keys, written so,
/// since no rule tells which underscores were dots.
/// </summary>
sealed class LoraWeights
{
    const string Ending = ".weight", TextRoot = "text_model.";

    readonly Dictionary<(string Component, string Name), LoraWeight> changeable = [];
    readonly HashSet<string> absent = [];

    /// <summary>Says that a model is not loaded, since nothing asks it: what a LoRA does to it is left out.</summary>
    public void AddAbsent(string component) => absent.Add(component);

    /// <summary>Adds the matrices and convolutions of a loaded model, a UNet's under their original names too.</summary>
    public void Add(string component, IReadOnlyDictionary<string, Weight> weights, KeyMap? originals)
    {
        foreach (var (key, weight) in weights)
        {
            var shape = weight.Value.Shape;
            Add(new(component, key, shape[0], shape[-1], shape.Rank == 4 ? shape[1] : 1), originals);
        }
    }

    /// <summary>Adds the matrices and convolutions of a checkpoint that has not been loaded; some of its tables are among them.</summary>
    public void Add(string component, ITensorSource checkpoint, KeyMap? originals)
    {
        foreach (var (key, info) in checkpoint.Tensors)
            if (info.Shape.Count is 2 or 4) Add(new(component, key, info.Shape[0], info.Shape[1], info.Shape.Count == 4 ? info.Shape[2] : 1), originals);
    }

    /// <summary>Which weight each change of a file is for.</summary>
    /// <exception cref="PeaException">There is none, its shape is another, or two changes are for the same one; names the file's keys.</exception>
    public IReadOnlyList<(LoraChange Change, LoraWeight Weight)> Find(LoraFile file)
    {
        var owners = new Dictionary<LoraWeight, LoraChange>();
        foreach (var change in file.Changes)
        {
            var first = change.Tensors[0];
            if (absent.Contains(change.Component)) continue;
            if (!changeable.TryGetValue((change.Component, Flat(change.Module)), out var weight))
                throw file.Wrong($"tensor {Quoted.Of(first.Name)} is for a weight that the model's {change.Component} does not have");
            if (!change.Fits(weight))
                throw file.Wrong($"{change.Kind} of {weight.Key} {weight}");
            if (!owners.TryAdd(weight, change))
                throw file.Wrong($"tensors {Quoted.Of(owners[weight].Tensors[0].Name)} and {Quoted.Of(first.Name)} are both for {weight.Key}, expected one of them");
        }
        return [.. owners.Select(owner => (owner.Value, owner.Key))];
    }

    void Add(LoraWeight weight, KeyMap? originals)
    {
        if (!weight.Key.EndsWith(Ending, StringComparison.Ordinal)) return;
        var module = weight.Key[..^Ending.Length];
        changeable[(weight.Component, Flat(module))] = weight;
        if (originals?.ToOriginal(module) is { } original) changeable[(weight.Component, Flat(original))] = weight;
        // Text encoders were saved with this root and without it, and so were their LoRAs.
        if (weight.Component == LoraKey.UNet) return;
        var other = module.StartsWith(TextRoot, StringComparison.Ordinal) ? module[TextRoot.Length..] : TextRoot + module;
        changeable[(weight.Component, Flat(other))] = weight;
    }

    static string Flat(string module) => module.Replace('.', '_');
}
