namespace PeaEngine.Diffusion.Lora;

/// <summary>What a tensor of a LoRA file is.</summary>
enum LoraPart
{
    /// <summary>From the weight's input to the rank: <c>lora_A</c>, <c>lora_down</c>.</summary>
    Down,

    /// <summary>From the rank to the weight's output: <c>lora_B</c>, <c>lora_up</c>.</summary>
    Up,

    /// <summary>A scalar; see <see cref="LoraPair.Factor"/>.</summary>
    Alpha,

    /// <summary>What is added to the weight, as it is: LyCORIS' <c>diff</c>.</summary>
    Difference,
}

/// <summary>A key of a LoRA file, taken apart.</summary>
/// <param name="Component">The pipeline's component: unet, text_encoder or text_encoder_2.</param>
/// <param name="Module">
/// The component's module. kohya's trainer writes underscores for the dots of its name, which cannot be undone without the model's keys.
/// </param>
/// <param name="Part">Which of its tensors.</param>
readonly record struct LoraKey(string Component, string Module, LoraPart Part)
{
    /// <summary>A component's name.</summary>
    public const string UNet = "unet", TextEncoder = "text_encoder", TextEncoder2 = "text_encoder_2";

    /// <summary>Ends of diffusers' old attention processors, which name the projection and the LoRA in one word.</summary>
    const string OldDown = "_lora.down.weight", OldUp = "_lora.up.weight";

    static readonly (string Ending, LoraPart Part)[] Endings =
    [
        (".lora_down.weight", LoraPart.Down), (".lora_up.weight", LoraPart.Up),
        (".lora_A.weight", LoraPart.Down), (".lora_B.weight", LoraPart.Up),
        (".lora.down.weight", LoraPart.Down), (".lora.up.weight", LoraPart.Up),
        (".lora_linear_layer.down.weight", LoraPart.Down), (".lora_linear_layer.up.weight", LoraPart.Up),
        (OldDown, LoraPart.Down), (OldUp, LoraPart.Up),
        (".alpha", LoraPart.Alpha), (".diff", LoraPart.Difference),
    ];

    static readonly (string Prefix, string Component)[] Prefixes =
    [
        ("lora_unet_", UNet), ("lora_te_", TextEncoder), ("lora_te1_", TextEncoder), ("lora_te2_", TextEncoder2),
        ("unet.", UNet), ("text_encoder.", TextEncoder), ("text_encoder_2.", TextEncoder2),
    ];

    static readonly Dictionary<string, string>
        UNetProjections = new() { ["to_q"] = "to_q", ["to_k"] = "to_k", ["to_v"] = "to_v", ["to_out"] = "to_out.0" },
        TextProjections = new() { ["to_q"] = "q_proj", ["to_k"] = "k_proj", ["to_v"] = "v_proj", ["to_out"] = "out_proj" };

    /// <summary>Takes a key apart; null where it does not end as a LoRA's.</summary>
    public static LoraKey? Parse(string key)
    {
        foreach (var (ending, part) in Endings)
        {
            if (!key.EndsWith(ending, StringComparison.Ordinal)) continue;
            var (component, module) = Split(key[..^ending.Length]);
            // Files of a UNet's attention processors alone have the processors in their names.
            module = module.Replace(".processor.", ".", StringComparison.Ordinal);
            if (ending is not (OldDown or OldUp)) return new(component, module, part);
            var last = module.LastIndexOf('.') + 1;
            var projections = component == UNet ? UNetProjections : TextProjections;
            return projections.TryGetValue(module[last..], out var name) ? new(component, module[..last] + name, part) : null;
        }
        return null;
    }

    /// <summary>A name without a component's is the UNet's.</summary>
    static (string Component, string Module) Split(string name)
    {
        foreach (var (prefix, component) in Prefixes)
            if (name.StartsWith(prefix, StringComparison.Ordinal)) return (component, name[prefix.Length..]);
        return (UNet, name);
    }
}
