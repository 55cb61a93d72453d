using PeaEngine.Diffusion.Blocks;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.ControlNet;

/// <summary>
/// diffusers ControlNetModel (arXiv 2302.05543): the encoder half of a UNet that also sees a control image, and gives what is added to
/// that UNet's skip connections and middle. Frozen: it keeps nothing between calls, and one instance serves any number of passes.
/// </summary>
public sealed class ControlNetModel : IDisposable
{
    readonly WeightStore weights;
    readonly List<Attention> crossAttentions = [];
    readonly UNetEncoder encoder;
    readonly ControlNetConditioningEmbedding condEmbedding;

    /// <summary>The zero convolutions, one for each skip connection, and that of the middle.</summary>
    readonly Conv2d[] downBlocks;

    readonly Conv2d midBlock;

    ControlNetModel(WeightStore weights, ControlNetConfig config, string path)
    {
        (this.weights, Config, Path) = (weights, config, path);
        var w = weights.Root;
        encoder = new(w, config, crossAttentions);
        condEmbedding = new(w / "controlnet_cond_embedding", config);
        var channels = config.BlockOutChannels;
        List<int> skips = [channels[0]];
        for (var i = 0; i < channels.Count; i++)
            skips.AddRange(Enumerable.Repeat(channels[i], config.LayersPerBlock[i] + (i < channels.Count - 1 ? 1 : 0)));
        downBlocks = [.. skips.Select((count, i) => new Conv2d(w / "controlnet_down_blocks" / i, count, count, 1))];
        midBlock = new(w / "controlnet_mid_block", channels[^1], channels[^1], 1);
        weights.AssertAllTaken();
    }

    /// <summary>The folder of its configuration.</summary>
    public string Path { get; }

    /// <summary>What the model is made of.</summary>
    public ControlNetConfig Config { get; }

    /// <summary>The bytes of its weights.</summary>
    public long WeightBytes => weights.Bytes;

    /// <summary>Loads a ControlNet from its folder.</summary>
    /// <exception cref="PeaException">A file is missing or damaged, or asks for something that is not implemented.</exception>
    public static ControlNetModel Load(string path, Backend backend)
    {
        var folder = DiffusersFolder.Open(path);
        using var weights = folder.OpenWeights();
        return Load(backend, folder.Config, weights);
    }

    /// <summary>Loads a ControlNet: its <c>config.json</c> and its weights.</summary>
    /// <exception cref="PeaException">The configuration asks for something that is not implemented, or the weights do not fit it.</exception>
    public static ControlNetModel Load(Backend backend, JsonConfig config, ITensorSource weights)
    {
        var parsed = new ControlNetConfig(config);
        return WeightStore.Load(backend, weights, store => new ControlNetModel(store, parsed, System.IO.Path.GetDirectoryName(config.Path) ?? ""));
    }

    /// <summary>Computes once per prompt and control image what every step needs. The result lies at the arena's kept end.</summary>
    /// <param name="p">The pass; its arena is the one that the steps use.</param>
    /// <param name="image">controlnet_cond, [B or 1, H, W, conditioning_channels] in 0…1, as large as the picture: one for each sample or one for all.</param>
    /// <param name="encoderHiddenStates">[B, T, cross_attention_dim]</param>
    /// <param name="textEmbeds">[B, P], pooled; with <c>addition_embed_type</c> text_time only</param>
    /// <param name="timeIds">[B, 6] F32; likewise</param>
    /// <exception cref="PeaException">A shape is not what the model wants.</exception>
    public ControlNetConditioning Condition(Pass p, Tensor image, Tensor encoderHiddenStates, Tensor? textEmbeds = null, Tensor? timeIds = null)
    {
        var text = encoder.Condition(p, crossAttentions, encoderHiddenStates, textEmbeds, timeIds, timestepCond: null);
        if (image.Shape.Rank != 4 || image.Shape[3] != Config.ConditioningChannels || (image.Shape[0] != 1 && image.Shape[0] != text.Batch))
            throw new PeaException($"controlnet: image {image.Shape}, expected [{text.Batch} or 1, height, width, {Config.ConditioningChannels}]");
        var embedded = p.Keep(condEmbedding.OutputShape(image.Shape));
        using var scope = p.Scratch();
        condEmbedding.Forward(p, Config.IsBgr ? Reversed(p, image) : image, embedded);
        return new(text, embedded);
    }

    /// <summary>One step: the residuals for the UNet, at the arena's kept end until the caller releases them there.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="sample">[B, h, w, in_channels], as large as the embedded control image</param>
    /// <param name="timesteps">[B] F32</param>
    /// <param name="c">Of the same batch; the next step with it overwrites what this one returned.</param>
    /// <param name="conditioningScale">What the residuals are multiplied by.</param>
    /// <param name="guessMode">Whether the outer residuals count less than the inner, from 0.1 to 1; not so with <c>global_pool_conditions</c>.</param>
    /// <exception cref="PeaException">A shape is not what the model wants.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public UNetResiduals Forward(Pass p, Tensor sample, Tensor timesteps, ControlNetConditioning c, float conditioningScale = 1, bool guessMode = false)
    {
        if (sample.Shape.Rank != 4 || sample.Shape[3] != Config.InChannels)
            throw new PeaException($"controlnet: sample {sample.Shape}, expected [batch, height, width, {Config.InChannels}]");
        if (sample.Shape[0] != c.Batch || timesteps.Shape != [c.Batch])
            throw new PeaException($"controlnet: sample {sample.Shape} and timesteps {timesteps.Shape} for a conditioning of batch {c.Batch}");
        if (sample.Shape[1] != c.Image.Shape[1] || sample.Shape[2] != c.Image.Shape[2])
            throw new PeaException($"controlnet: sample {sample.Shape} for an embedded control image {c.Image.Shape}, expected the same height and width");

        using var scope = p.Scratch();
        // Kept, not released: a residual takes the place of the activation that it is made of.
        var skips = new SkipConnections(p, c.Text.Skips, retain: true);
        var act = encoder.Embed(p, timesteps, c.Text);
        var x = encoder.Down(p, encoder.ConvIn(p, sample, skips, c.Image), act, c.Text, skips, features: null);
        x = encoder.Middle(p, x, act, c.Text, skips);
        for (var i = 0; i < downBlocks.Length; i++)
        {
            // torch.logspace(-1, 0), ending in the middle's 1.
            var scale = guessMode && !Config.GlobalPoolConditions ? (float)Math.Pow(10, (double)i / downBlocks.Length - 1) : 1;
            Project(p, downBlocks[i], c.Text.Skips[i].Tensor, scale * conditioningScale);
        }
        Project(p, midBlock, x, conditioningScale);
        c.Residuals.Set(c.Text.Skips, x);
        return c.Residuals;
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();

    /// <summary>Overwrites x [B, H, W, C] with scale · conv(x), or with its mean over all pixels at every pixel.</summary>
    void Project(Pass p, Conv2d conv, Tensor x, float scale)
    {
        using var scope = p.Scratch();
        var y = p.New(x.Shape);
        if (Config.GlobalPoolConditions) conv.Upsample(p, Mean(p, x), y);
        else conv.Forward(p, x, y);
        p.Backend.Combine(x, new Term(scale, y));
    }

    /// <summary>A new tensor [B, 1, 1, C]: the mean over all pixels of x [B, H, W, C]. A 1×1 convolution of it is the mean of the convolution.</summary>
    static Tensor Mean(Pass p, Tensor x)
    {
        int batch = x.Shape[0], channels = x.Shape[3];
        var mean = p.New([batch, 1, 1, channels]);
        p.Backend.MeanTokens(x.Reshape([batch, x.Shape[1] * x.Shape[2], channels]), null, mean.Reshape([batch, channels]));
        return mean;
    }

    /// <summary>A new tensor: the image [B, H, W, C] with its channels in the reverse order.</summary>
    static Tensor Reversed(Pass p, Tensor image)
    {
        int batch = image.Shape[0], height = image.Shape[1], width = image.Shape[2], channels = image.Shape[3];
        var reversed = p.New(image.Shape);
        using var scope = p.Scratch();
        Tensor planes = p.New([batch * channels, height, width]), turned = p.New(planes.Shape);
        p.Backend.ToChannelsFirst(image, planes.Reshape([batch, channels, height, width]));
        for (var i = 0; i < batch * channels; i++) p.Backend.Copy(planes.Slice(i, 1), turned.Slice(i + channels - 1 - 2 * (i % channels), 1));
        p.Backend.ToChannelsLast(turned.Reshape([batch, channels, height, width]), reversed);
        return reversed;
    }
}
