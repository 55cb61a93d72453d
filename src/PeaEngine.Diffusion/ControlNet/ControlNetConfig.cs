using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.ControlNet;

/// <summary>The <c>config.json</c> of a <see cref="ControlNetModel"/>.</summary>
public sealed class ControlNetConfig : UNetEncoderConfig
{
    const int MostHalvings = 15;

    /// <summary>Channels of the control image.</summary>
    public int ConditioningChannels { get; }

    /// <summary>Whether the residuals are averaged over all pixels, so that they tell what is there but not where; the pipeline is then in guess mode.</summary>
    public bool GlobalPoolConditions { get; }

    /// <summary>The channels of the control image's embedding, which is half the size from each to the next.</summary>
    internal IReadOnlyList<int> ConditioningEmbeddingOutChannels { get; }

    /// <summary>Whether the weights want blue first (<c>controlnet_conditioning_channel_order</c> bgr).</summary>
    internal bool IsBgr { get; }

    /// <summary>Pixels of the control image a latent, both ways.</summary>
    internal int Factor => 1 << (ConditioningEmbeddingOutChannels.Count - 1);

    internal override string ModelName => "controlnet";

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="PeaException">A key has a wrong type, or a value that is not implemented.</exception>
    public ControlNetConfig(JsonConfig config) : base(config)
    {
        if (MidBlockType == null) throw new PeaException($"{config.Path}: mid_block_type is null, expected the middle that a ControlNet has");
        ConditioningChannels = Positive(config, "conditioning_channels", config.Int("conditioning_channels", 3));
        ConditioningEmbeddingOutChannels = Positive(config, "conditioning_embedding_out_channels", config.Ints("conditioning_embedding_out_channels", [16, 32, 96, 256]));
        if (ConditioningEmbeddingOutChannels.Count is 0 or > MostHalvings + 1)
            throw config.Wrong("conditioning_embedding_out_channels", $"a list of 1 to {MostHalvings + 1}");
        GlobalPoolConditions = config.Bool("global_pool_conditions", false);
        IsBgr = config.String("controlnet_conditioning_channel_order", "rgb") switch
        {
            "rgb" => false,
            "bgr" => true,
            _ => throw config.Wrong("controlnet_conditioning_channel_order", "\"rgb\" or \"bgr\""),
        };
    }
}
