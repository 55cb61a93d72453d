using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Vae;

/// <summary>
/// The <c>config.json</c> of an <see cref="AutoencoderKL"/>, with diffusers' defaults for missing keys. An option whose value is not
/// implemented is an error.
/// </summary>
public sealed class AutoencoderKLConfig
{
    /// <summary>More than this of anything is not a VAE but a mistake.</summary>
    const int Most = 1 << 16;

    /// <summary>Reads a configuration.</summary>
    /// <exception cref="PeaException">A key has a wrong type, or a value that is not implemented.</exception>
    public AutoencoderKLConfig(JsonConfig config)
    {
        var channels = config.Ints("block_out_channels", [64]);
        CheckTypes(config, "down_block_types", "DownEncoderBlock2D", channels.Length);
        CheckTypes(config, "up_block_types", "UpDecoderBlock2D", channels.Length);
        if (config.String("act_fn", "silu") is not ("silu" or "swish")) throw config.Wrong("act_fn", "\"silu\"");
        // The pipelines of Stable Diffusion and SDXL shift nothing, so a shift would make them another model.
        if (config.Float("shift_factor", 0) != 0) throw config.Wrong("shift_factor", "null");
        foreach (var count in channels) Check(config, "block_out_channels", count);
        if (channels.Length is 0 or > 16) throw config.Wrong("block_out_channels", "a list of 1 to 16");

        BlockOutChannels = channels;
        InChannels = Positive(config, "in_channels", 3);
        OutChannels = Positive(config, "out_channels", 3);
        LatentChannels = Positive(config, "latent_channels", 4);
        LayersPerBlock = Positive(config, "layers_per_block", 1);
        NormNumGroups = Positive(config, "norm_num_groups", 32);
        MidBlockAddAttention = config.Bool("mid_block_add_attention", true);
        UseQuantConv = config.Bool("use_quant_conv", true);
        UsePostQuantConv = config.Bool("use_post_quant_conv", true);
        ForceUpcast = config.Bool("force_upcast", true);
        ScalingFactor = config.Float("scaling_factor", 0.18215);
        if (!(ScalingFactor > 0) || double.IsInfinity(ScalingFactor)) throw config.Wrong("scaling_factor", "a positive number");
        SampleSize = config.IsList("sample_size") ? config.IntList("sample_size", 2)[0] : config.Int("sample_size", 32);
        Check(config, "sample_size", SampleSize);
        (LatentsMean, LatentsStd) = (PerChannel(config, "latents_mean"), PerChannel(config, "latents_std"));
        if ((LatentsMean == null) != (LatentsStd == null))
            throw new PeaException($"{config.Path}: only one of latents_mean and latents_std is given, expected both or none");
        if (LatentsStd?.Contains(0) == true) throw new PeaException($"{config.Path}: latents_std has 0, expected other numbers");
    }

    /// <summary>Channels of the pictures that are encoded.</summary>
    public int InChannels { get; }

    /// <summary>Channels of the pictures that are decoded.</summary>
    public int OutChannels { get; }

    /// <summary>Channels of the latents.</summary>
    public int LatentChannels { get; }

    /// <summary>Channels per block, outermost first.</summary>
    public IReadOnlyList<int> BlockOutChannels { get; }

    /// <summary>How many pixels a latent is wide: 8 for Stable Diffusion.</summary>
    public int Factor => 1 << (BlockOutChannels.Count - 1);

    /// <summary>What latents are multiplied by to have unit variance.</summary>
    public double ScalingFactor { get; }

    /// <summary>Per channel, what is taken from latents before they are scaled; or none.</summary>
    public IReadOnlyList<double>? LatentsMean { get; }

    /// <summary>Per channel, what latents are divided by when they are scaled; or none.</summary>
    public IReadOnlyList<double>? LatentsStd { get; }

    /// <summary>The side of a tile in pixels, where decoding is tiled.</summary>
    public int SampleSize { get; }

    /// <summary>Whether its activations are beyond F16's range; <see cref="AutoencoderKL"/> tells what is done about it.</summary>
    public bool ForceUpcast { get; }

    internal int LayersPerBlock { get; }
    internal int NormNumGroups { get; }
    internal bool MidBlockAddAttention { get; }
    internal bool UseQuantConv { get; }
    internal bool UsePostQuantConv { get; }

    /// <summary>Encoded latents to the UNet's: what each channel is multiplied by, and what is then added.</summary>
    internal (double[] Factors, double[] Offsets) LatentScale()
    {
        double[] factors = new double[LatentChannels], offsets = new double[LatentChannels];
        for (var c = 0; c < factors.Length; c++)
        {
            factors[c] = ScalingFactor / (LatentsStd?[c] ?? 1);
            offsets[c] = -(LatentsMean?[c] ?? 0) * factors[c];
        }
        return (factors, offsets);
    }

    double[]? PerChannel(JsonConfig config, string key)
    {
        if (config.IsNull(key)) return null;
        var values = config.Floats(key);
        return values.Length == LatentChannels && values.All(double.IsFinite) ? values : throw config.Wrong(key, $"{LatentChannels} finite numbers");
    }

    static void CheckTypes(JsonConfig config, string key, string expected, int blocks)
    {
        var types = config.Strings(key, [expected]);
        if (types.Length != blocks) throw config.Wrong(key, $"a list of {blocks}, as long as block_out_channels");
        for (var i = 0; i < types.Length; i++)
            if (types[i] != expected) throw new PeaException($"{config.Path}: {key}[{i}] is \"{types[i]}\", expected \"{expected}\"");
    }

    static int Positive(JsonConfig config, string key, int missing)
    {
        var value = config.Int(key, missing);
        Check(config, key, value);
        return value;
    }

    static void Check(JsonConfig config, string key, int value)
    {
        if (value is < 1 or > Most) throw new PeaException($"{config.Path}: {key} has {value}, expected 1 to {Most}");
    }
}
