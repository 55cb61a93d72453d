namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>A module, or one tensor, under its two names.</summary>
/// <param name="Original">In the files of LDM, SGM and OpenCLIP, such as <c>input_blocks.1.0.in_layers.2</c>.</param>
/// <param name="Diffusers">In diffusers or transformers, such as <c>down_blocks.0.resnets.0.conv1</c>.</param>
/// <param name="Form">What the latter's tensors are of the former's.</param>
readonly record struct KeyPair(string Original, string Diffusers, TensorForm Form = TensorForm.Same);

/// <summary>
/// The keys of one model in the original naming and in diffusers', both ways. What stands below a module keeps its name; the
/// innermost module that is listed counts.
/// </summary>
sealed class KeyMap
{
    readonly Dictionary<string, List<KeyPair>> byOriginal = [];
    readonly Dictionary<string, KeyPair> byDiffusers = [];

    public KeyMap(IEnumerable<KeyPair> pairs)
    {
        foreach (var pair in pairs)
        {
            if (!byOriginal.TryGetValue(pair.Original, out var list)) byOriginal.Add(pair.Original, list = []);
            list.Add(pair);
            byDiffusers.Add(pair.Diffusers, pair);
        }
    }

    /// <summary>The original name of a key or module of diffusers', or null where the model has none such.</summary>
    public string? ToOriginal(string diffusers) => FindDiffusers(diffusers)?.Original;

    /// <summary>A key or module of diffusers' as a pair of whole names, or null.</summary>
    public KeyPair? FindDiffusers(string key)
    {
        for (var end = key.Length <= KeyModules.LongestKey ? key.Length : 0; end > 0; end = key.LastIndexOf('.', end - 1))
            if (byDiffusers.TryGetValue(key[..end], out var pair))
                return pair with { Original = pair.Original + key[end..], Diffusers = key };
        return null;
    }

    /// <summary>A key or module of the original as pairs of whole names: three where it holds query, key and value, none where the model has none such.</summary>
    public IReadOnlyList<KeyPair> FindOriginal(string key)
    {
        for (var end = key.Length <= KeyModules.LongestKey ? key.Length : 0; end > 0; end = key.LastIndexOf('.', end - 1))
            if (byOriginal.TryGetValue(key[..end], out var pairs))
                return pairs.ConvertAll(pair => pair with { Original = key, Diffusers = pair.Diffusers + key[end..] });
        return [];
    }
}
