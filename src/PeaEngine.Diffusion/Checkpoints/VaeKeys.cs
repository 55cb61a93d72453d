namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>LDM's names of a VAE's modules (its model.py), beside diffusers'. Its decoder's blocks are numbered from the outside, diffusers' from the middle.</summary>
static class VaeKeys
{
    static readonly KeyPair[] Outer =
    [
        new("encoder.conv_in", "encoder.conv_in"),
        new("encoder.norm_out", "encoder.conv_norm_out"),
        new("encoder.conv_out", "encoder.conv_out"),
        new("decoder.conv_in", "decoder.conv_in"),
        new("decoder.norm_out", "decoder.conv_norm_out"),
        new("decoder.conv_out", "decoder.conv_out"),
        new("quant_conv", "quant_conv"),
        new("post_quant_conv", "post_quant_conv"),
    ];

    static readonly KeyPair[] Middle =
    [
        new("mid.block_1", "mid_block.resnets.0"),
        new("mid.block_1.nin_shortcut", "mid_block.resnets.0.conv_shortcut"),
        new("mid.block_2", "mid_block.resnets.1"),
        new("mid.block_2.nin_shortcut", "mid_block.resnets.1.conv_shortcut"),
        new("mid.attn_1.norm", "mid_block.attentions.0.group_norm"),
        new("mid.attn_1.q", "mid_block.attentions.0.to_q", TensorForm.Pointwise),
        new("mid.attn_1.k", "mid_block.attentions.0.to_k", TensorForm.Pointwise),
        new("mid.attn_1.v", "mid_block.attentions.0.to_v", TensorForm.Pointwise),
        new("mid.attn_1.proj_out", "mid_block.attentions.0.to_out.0", TensorForm.Pointwise),
    ];

    /// <summary>What diffusers called an attention's projections up to version 0.12.</summary>
    static readonly Dictionary<string, string> OldNames = new() { ["to_q"] = "query", ["to_k"] = "key", ["to_v"] = "value", ["to_out.0"] = "proj_attn" };

    /// <summary>The map of a VAE, without what stands before <c>encoder</c>.</summary>
    /// <param name="layout">What the numbers depend on.</param>
    /// <param name="hasOldAttention">Whether diffusers' names are those of up to version 0.12.</param>
    public static KeyMap Map(VaeLayout layout, bool hasOldAttention = false)
    {
        KeyPair[] middle = hasOldAttention ? [.. Middle.Select(Older)] : Middle;
        return new([.. Outer, .. Half("encoder", middle), .. Half("decoder", middle), .. Blocks(layout)]);
    }

    static IEnumerable<KeyPair> Half(string half, KeyPair[] middle) =>
        middle.Select(pair => pair with { Original = $"{half}.{pair.Original}", Diffusers = $"{half}.{pair.Diffusers}" });

    static KeyPair Older(KeyPair pair) =>
        OldNames.FirstOrDefault(names => pair.Diffusers.EndsWith(names.Key, StringComparison.Ordinal)) is { Key: { } name, Value: var old }
            ? pair with { Diffusers = pair.Diffusers[..^name.Length] + old }
            : pair;

    static IEnumerable<KeyPair> Blocks(VaeLayout layout)
    {
        for (var i = 0; i < layout.Blocks; i++)
        {
            string down = $"encoder.down.{i}", up = $"decoder.up.{layout.Blocks - 1 - i}";
            yield return new($"{down}.downsample", $"encoder.down_blocks.{i}.downsamplers.0");
            yield return new($"{up}.upsample", $"decoder.up_blocks.{i}.upsamplers.0");
            for (var j = 0; j <= layout.Layers; j++)
            {
                if (j < layout.Layers)
                    foreach (var pair in Resnet($"{down}.block.{j}", $"encoder.down_blocks.{i}.resnets.{j}")) yield return pair;
                foreach (var pair in Resnet($"{up}.block.{j}", $"decoder.up_blocks.{i}.resnets.{j}")) yield return pair;
            }
        }
    }

    static KeyPair[] Resnet(string original, string diffusers) => [new(original, diffusers), new($"{original}.nin_shortcut", $"{diffusers}.conv_shortcut")];
}
