using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>A weight that a LoRA may change.</summary>
/// <param name="Component">The pipeline's component: unet, text_encoder or text_encoder_2.</param>
/// <param name="Key">The checkpoint's key.</param>
/// <param name="Outputs">O of [O, I, kernel, kernel], or of a matrix [O, I].</param>
/// <param name="Inputs">I</param>
/// <param name="Kernel">1 for a matrix too.</param>
readonly record struct LoraTarget(string Component, string Key, long Outputs, long Inputs, long Kernel)
{
    public override string ToString() => Kernel == 1 ? $"[{Outputs},{Inputs}]" : $"[{Outputs},{Inputs},{Kernel},{Kernel}]";
}

/// <summary>
/// The weights of a pipeline that a LoRA may change. Names with underscores for dots are looked up among the model's own keys, written so,
/// since no rule tells which underscores were dots.
/// </summary>
sealed class LoraTargets
{
    const string Weight = ".weight", TextRoot = "text_model.";

    readonly Dictionary<(string Component, string Name), LoraTarget> targets = [];
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

    /// <summary>Which weight each pair of a file is for.</summary>
    /// <exception cref="PeaException">There is none, its shape is another, or two pairs are for the same one; names the file's keys.</exception>
    public IReadOnlyList<(LoraPair Pair, LoraTarget Target)> Find(LoraFile file)
    {
        var owners = new Dictionary<LoraTarget, LoraPair>();
        foreach (var pair in file.Pairs)
        {
            if (absent.Contains(pair.Component)) continue;
            if (!targets.TryGetValue((pair.Component, Flat(pair.Module)), out var target))
                throw file.Wrong($"tensor {Quoted.Of(pair.Down.Name)} is for a weight that the model's {pair.Component} does not have");
            if (!Fits(pair, target))
                throw file.Wrong($"tensors {Quoted.Of(pair.Down.Name)} {pair.Down} and {Quoted.Of(pair.Up.Name)} {pair.Up}, expected factors of {target.Key} {target}");
            if (!owners.TryAdd(target, pair))
                throw file.Wrong($"tensors {Quoted.Of(owners[target].Down.Name)} and {Quoted.Of(pair.Down.Name)} are both for {target.Key}, expected one of them");
        }
        return [.. owners.Select(owner => (owner.Value, owner.Key))];
    }

    static bool Fits(LoraPair pair, LoraTarget target)
    {
        long rank = pair.Down.Shape[0], kernel = target.Kernel;
        return (Is(pair.Down, rank, target.Inputs, kernel, kernel) || (kernel == 1 && Is(pair.Down, rank, target.Inputs)))
            && (Is(pair.Up, target.Outputs, rank, 1, 1) || Is(pair.Up, target.Outputs, rank));
    }

    void Add(LoraTarget target, KeyMap? originals)
    {
        if (!target.Key.EndsWith(Weight, StringComparison.Ordinal)) return;
        var module = target.Key[..^Weight.Length];
        targets[(target.Component, Flat(module))] = target;
        if (originals?.ToOriginal(module) is { } original) targets[(target.Component, Flat(original))] = target;
        // Text encoders were saved with this root and without it, and so were their LoRAs.
        if (target.Component == LoraKey.UNet) return;
        var other = module.StartsWith(TextRoot, StringComparison.Ordinal) ? module[TextRoot.Length..] : TextRoot + module;
        targets[(target.Component, Flat(other))] = target;
    }

    static string Flat(string module) => module.Replace('.', '_');

    static bool Is(TensorInfo info, params ReadOnlySpan<long> shape)
    {
        if (info.Shape.Count != shape.Length) return false;
        for (var i = 0; i < shape.Length; i++)
            if (info.Shape[i] != shape[i]) return false;
        return true;
    }
}
