using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>A block of a UNet.</summary>
/// <param name="Resnets">How many there are.</param>
/// <param name="HasAttention">Whether a transformer follows each.</param>
readonly record struct UNetBlock(int Resnets, bool HasAttention);

/// <summary>What the numbers in the original key naming of a UNet depend on.</summary>
/// <param name="Down">From the outside to the middle.</param>
/// <param name="Up">From the middle to the outside.</param>
/// <param name="HasMiddle">Whether there is a block in the middle: a resnet, or two with a transformer between them.</param>
/// <param name="HasMiddleAttention">Whether it is the latter.</param>
sealed record UNetLayout(IReadOnlyList<UNetBlock> Down, IReadOnlyList<UNetBlock> Up, bool HasMiddle, bool HasMiddleAttention)
{
    /// <summary>A configuration's.</summary>
    public static UNetLayout Of(UNetConfig config)
    {
        UNetBlock[] down = [.. config.DownBlockTypes.Select((type, i) => new UNetBlock(config.LayersPerBlock[i], type == nameof(CrossAttnDownBlock2D)))];
        UNetBlock[] up = [.. config.UpBlockTypes.Select((type, i) => new UNetBlock(config.LayersPerBlock[^(i + 1)] + 1, type == nameof(CrossAttnUpBlock2D)))];
        return new(down, up, config.MidBlockType != null, config.MidBlockType == nameof(UNetMidBlock2DCrossAttn));
    }

    /// <summary>That of a UNet's keys in the original naming, without what stands before <c>input_blocks</c>.</summary>
    public static UNetLayout Of(KeyModules original) => new(
        Blocks(original, "input_blocks", first: 1), Blocks(original, "output_blocks", first: 0), original.Has("middle_block.0"), original.Has("middle_block.1"));

    /// <summary>A block ends where the size changes: with a downsampler of its own number, or an upsampler that follows the last resnet.</summary>
    static List<UNetBlock> Blocks(KeyModules keys, string list, int first)
    {
        var blocks = new List<UNetBlock>();
        var block = default(UNetBlock);
        for (var n = first; keys.Has($"{list}.{n}"); n++)
        {
            var isDownsampler = keys.Has($"{list}.{n}.0.op");
            if (!isDownsampler) block = new(block.Resnets + 1, block.HasAttention || keys.Has($"{list}.{n}.1.norm"));
            if (!isDownsampler && !keys.Has($"{list}.{n}.1.conv") && !keys.Has($"{list}.{n}.2.conv")) continue;
            blocks.Add(block);
            block = default;
        }
        if (block.Resnets > 0) blocks.Add(block);
        return blocks;
    }
}
