namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>
/// LDM's and SGM's names of a UNet's modules (openaimodel.py), beside diffusers'. The former numbers all layers of the way down and of
/// the way up in one list each, and the parts of a layer in a second one.
/// </summary>
static class UNetKeys
{
    static readonly KeyPair[] Outer =
    [
        new("time_embed.0", "time_embedding.linear_1"),
        new("time_embed.2", "time_embedding.linear_2"),
        // The original code has no guidance embedding: diffusers' name below the original's is ours.
        new("time_embed.cond_proj", "time_embedding.cond_proj"),
        new("label_emb.0.0", "add_embedding.linear_1"),
        new("label_emb.0.2", "add_embedding.linear_2"),
        new("input_blocks.0.0", "conv_in"),
        new("out.0", "conv_norm_out"),
        new("out.2", "conv_out"),
    ];

    static readonly KeyPair[] Resnet =
    [
        new("in_layers.0", "norm1"),
        new("in_layers.2", "conv1"),
        new("emb_layers.1", "time_emb_proj"),
        new("out_layers.0", "norm2"),
        new("out_layers.3", "conv2"),
        new("skip_connection", "conv_shortcut"),
    ];

    /// <summary>The map of a UNet, without what stands before <c>input_blocks</c>.</summary>
    public static KeyMap Map(UNetLayout layout) => new([.. Outer, .. Down(layout.Down), .. Middle(layout), .. Up(layout.Up)]);

    static IEnumerable<KeyPair> Down(IReadOnlyList<UNetBlock> blocks)
    {
        var n = 1;
        for (var i = 0; i < blocks.Count; i++)
        {
            for (var j = 0; j < blocks[i].Resnets; j++, n++)
                foreach (var pair in Layer($"input_blocks.{n}", $"down_blocks.{i}", j, blocks[i].HasAttention)) yield return pair;
            if (i < blocks.Count - 1) yield return new($"input_blocks.{n++}.0.op", $"down_blocks.{i}.downsamplers.0.conv");
        }
    }

    static IEnumerable<KeyPair> Middle(UNetLayout layout)
    {
        if (!layout.HasMiddle) return [];
        var first = Resnets("middle_block.0", "mid_block.resnets.0");
        return layout.HasMiddleAttention
            ? [.. first, new("middle_block.1", "mid_block.attentions.0"), .. Resnets("middle_block.2", "mid_block.resnets.1")]
            : first;
    }

    static IEnumerable<KeyPair> Up(IReadOnlyList<UNetBlock> blocks)
    {
        var n = 0;
        for (var i = 0; i < blocks.Count; i++)
            for (var j = 0; j < blocks[i].Resnets; j++, n++)
            {
                foreach (var pair in Layer($"output_blocks.{n}", $"up_blocks.{i}", j, blocks[i].HasAttention)) yield return pair;
                if (j == blocks[i].Resnets - 1 && i < blocks.Count - 1)
                    yield return new($"output_blocks.{n}.{(blocks[i].HasAttention ? 2 : 1)}.conv", $"up_blocks.{i}.upsamplers.0.conv");
            }
    }

    /// <summary>A resnet and what follows it; a transformer's inner names are the same in both.</summary>
    static IEnumerable<KeyPair> Layer(string original, string block, int index, bool attention)
    {
        var resnet = Resnets($"{original}.0", $"{block}.resnets.{index}");
        return attention ? resnet.Append(new($"{original}.1", $"{block}.attentions.{index}")) : resnet;
    }

    static IEnumerable<KeyPair> Resnets(string original, string diffusers) =>
        Resnet.Select(pair => new KeyPair($"{original}.{pair.Original}", $"{diffusers}.{pair.Diffusers}"));
}
