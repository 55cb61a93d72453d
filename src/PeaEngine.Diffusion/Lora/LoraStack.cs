using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Diffusion.Lora;

/// <summary>
/// The LoRAs that are fused into a pipeline's weights, in order. What is fused depends on nothing but the stored weights and this list, to the
/// bit: also after one has been taken out.
/// </summary>
sealed class LoraStack(Backend backend)
{
    readonly LoraWeights changeable = new();
    readonly Dictionary<(string Component, string Key), Weight> weights = [];
    readonly List<Fused> fused = [];

    sealed record Fused(LoraFile File, double Scale, IReadOnlyList<(LoraChange Change, Weight Weight)> Changes);

    /// <summary>Adds a model that a LoRA may change, a UNet with its keys' original names.</summary>
    public void Add(string component, IReadOnlyDictionary<string, Weight> model, KeyMap? originals = null)
    {
        changeable.Add(component, model, originals);
        foreach (var (key, weight) in model) weights.Add((component, key), weight);
    }

    /// <summary>Says that a model is not loaded, since nothing asks it: what a LoRA does to it is left out.</summary>
    public void AddAbsent(string component) => changeable.AddAbsent(component);

    /// <summary>What is fused.</summary>
    public IReadOnlyList<LoraSource> Sources => fused.ConvertAll(one => new LoraSource(one.File.Path, one.Scale));

    /// <summary>Adds a file's changes to the weights.</summary>
    public void Fuse(LoraFile file, double scale)
    {
        if (!double.IsFinite(scale)) throw file.Wrong($"scale {scale}, expected a finite number");
        if (fused.Exists(one => one.File == file)) throw file.Wrong("fused already, expected it to be taken out first");
        var added = new Fused(file, scale, [.. changeable.Find(file).Select(found => (found.Change, weights[(found.Weight.Component, found.Weight.Key)]))]);
        WholeOrNothing(() =>
        {
            fused.Add(added);
            Make(added.Changes);
        });
    }

    /// <summary>Takes one out: its weights are made again of what is stored and of the others.</summary>
    public void Unfuse(LoraFile file)
    {
        var removed = fused.Find(one => one.File == file) ?? throw file.Wrong("not fused, expected one that is");
        WholeOrNothing(() =>
        {
            fused.Remove(removed);
            Make(removed.Changes);
        });
    }

    /// <summary>Takes all out.</summary>
    public void Clear()
    {
        foreach (var weight in weights.Values) weight.Restore();
        fused.Clear();
    }

    /// <summary>
    /// Makes the weights that a file changes anew, of what is stored and of all that is fused. One after another: where the backend computes in 16 bits, each is rounded once it is whole, and no more than one is F32 at a time.
    /// </summary>
    void Make(IReadOnlyList<(LoraChange Change, Weight Weight)> touched)
    {
        HashSet<Weight> changed = [.. touched.Select(change => change.Weight)];
        var parts = fused.SelectMany(one => one.Changes.Select(made => (one.File, one.Scale, made.Change, made.Weight))).Where(part => changed.Contains(part.Weight)).ToLookup(part => part.Weight);
        var fusions = parts.SelectMany(each => each).Select(part => part.File).Distinct().ToDictionary(file => file, file => new LoraFusion(backend, file));
        try
        {
            foreach (var weight in changed)
            {
                weight.Restore();
                foreach (var (file, scale, change, _) in parts[weight]) fusions[file].Add(change, weight, scale);
                if (parts.Contains(weight) && backend.ActivationType != DType.F32) weight.Round(backend, backend.ActivationType);
            }
        }
        finally
        {
            foreach (var fusion in fusions.Values) fusion.Dispose();
        }
    }

    /// <summary>A file that cannot be read to its end must not leave a part of itself in the weights.</summary>
    void WholeOrNothing(Action change)
    {
        try
        {
            change();
        }
        catch
        {
            Clear();
            throw;
        }
    }
}
