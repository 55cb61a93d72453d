using PeaEngine.Diffusion.Blocks;
using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// diffusers UNet2DConditionModel: predicts the noise (or velocity) of a sample at a timestep, conditioned on text. Frozen: it keeps
/// nothing between calls, and one instance serves any number of passes.
/// </summary>
public sealed class UNet2DConditionModel : IDisposable
{
    readonly WeightStore weights;
    readonly List<Attention> crossAttentions = [];
    readonly UNetEncoder encoder;
    readonly UpBlock2D[] upBlocks;
    readonly GroupNorm convNormOut;
    readonly Conv2d convOut;

    UNet2DConditionModel(WeightStore weights, UNetConfig config)
    {
        (this.weights, Config) = (weights, config);
        var w = weights.Root;
        encoder = new(w, config, crossAttentions);
        upBlocks = new UpBlock2D[config.BlockOutChannels.Count];
        for (var i = 0; i < upBlocks.Length; i++) upBlocks[i] = UpBlock2D.Load(w / "up_blocks" / i, config, i, crossAttentions);
        convNormOut = new(w / "conv_norm_out", config.BlockOutChannels[0], config.NormNumGroups, config.NormEps, silu: true);
        convOut = new(w / "conv_out", config.BlockOutChannels[0], config.OutChannels, config.ConvOutKernel);
        weights.AssertAllTaken();
    }

    /// <summary>What the model is made of.</summary>
    public UNetConfig Config { get; }

    /// <summary>The bytes of its weights.</summary>
    public long WeightBytes => weights.Bytes;

    /// <summary>Every tensor of its weights, by key.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.Parameters;

    /// <summary>Its matrices and convolutions by key: what a LoRA changes.</summary>
    public IReadOnlyDictionary<string, Weight> Weights => weights.Weights;

    /// <summary>Loads a UNet: its <c>config.json</c> and its weights.</summary>
    /// <exception cref="PeaException">The configuration asks for something that is not implemented, or the weights do not fit it.</exception>
    public static UNet2DConditionModel Load(Backend backend, JsonConfig config, ITensorSource weights)
    {
        var parsed = new UNetConfig(config);
        return WeightStore.Load(backend, weights, store => new UNet2DConditionModel(store, parsed));
    }

    /// <summary>Computes once per prompt what every step needs. The result lies at the arena's kept end.</summary>
    /// <param name="p">The pass; its arena is the one that the steps use.</param>
    /// <param name="encoderHiddenStates">[B, T, cross_attention_dim]</param>
    /// <param name="textEmbeds">[B, P], pooled; with <c>addition_embed_type</c> text_time only</param>
    /// <param name="timeIds">[B, 6] F32 (SDXL) or [B, 5] (its refiner); likewise</param>
    /// <param name="timestepCond">[B, time_cond_proj_dim]: the guidance embedding of an LCM, or none</param>
    /// <exception cref="PeaException">A shape is not what the model wants.</exception>
    public UNetConditioning Condition(Pass p, Tensor encoderHiddenStates, Tensor? textEmbeds = null, Tensor? timeIds = null, Tensor? timestepCond = null) =>
        encoder.Condition(p, crossAttentions, encoderHiddenStates, textEmbeds, timeIds, timestepCond);

    /// <summary>One step: a new tensor [B, H, W, out_channels].</summary>
    /// <param name="p">The pass.</param>
    /// <param name="sample">[B, H, W, in_channels], of any size</param>
    /// <param name="timesteps">[B] F32</param>
    /// <param name="c">Of the same batch.</param>
    /// <param name="features">Collects the blocks' outputs, which then stay at the arena's kept end.</param>
    /// <param name="residuals">Of ControlNets: added to the skip connections and to the middle; features are without them.</param>
    /// <exception cref="PeaException">A shape is not what the model wants.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public Tensor Forward(Pass p, Tensor sample, Tensor timesteps, UNetConditioning c, UNetFeatures? features = null, UNetResiduals? residuals = null)
    {
        if (sample.Shape.Rank != 4 || sample.Shape[3] != Config.InChannels)
            throw new PeaException($"unet: sample {sample.Shape}, expected [batch, height, width, {Config.InChannels}]");
        if (sample.Shape[0] != c.Batch || timesteps.Shape != [c.Batch])
            throw new PeaException($"unet: sample {sample.Shape} and timesteps {timesteps.Shape} for a conditioning of batch {c.Batch}");

        var output = p.New(sample.Shape.WithLast(Config.OutChannels));
        using var scope = p.Scratch();
        using var skips = new SkipConnections(p, c.Skips, retain: features != null || p.Saved != null);
        var act = encoder.Embed(p, timesteps, c);
        var x = encoder.Down(p, encoder.ConvIn(p, sample, skips), act, c, skips, features);
        x = encoder.Middle(p, x, act, c, skips);
        features?.Add("m", x);
        if (residuals != null) x = skips.Add(residuals, x);
        for (var i = 0; i < upBlocks.Length; i++)
        {
            x = upBlocks[i].Forward(p, x, act, c, skips);
            features?.Add($"u{i}", x);
        }
        var normed = features == null && p.Saved == null ? x : p.New(x.Shape);
        convNormOut.Forward(p, x, normed);
        convOut.Forward(p, normed, output);
        p.Saved?.Push(act);
        p.Saved?.Push(x);
        return output;
    }

    /// <summary>
    /// The backward pass of <see cref="Forward"/>, over what that left in the same pass. The gradients of the conditioning are collected in
    /// <paramref name="c"/>, for <see cref="ConditionBackward"/>.
    /// </summary>
    /// <param name="p">The pass.</param>
    /// <param name="c">As in forward.</param>
    /// <param name="dOutput">[B, H, W, out_channels]</param>
    /// <param name="dFeatures">Gradients of blocks' outputs, by their names, or none.</param>
    /// <param name="dSample">[B, H, W, in_channels], written if given.</param>
    public void Backward(Pass p, UNetConditioning c, Tensor dOutput, UNetFeatures? dFeatures = null, Tensor? dSample = null)
    {
        Tensor x = p.Saved!.Pop(), act = p.Saved.Pop();
        c.Gradients = new(p, c, Config.TimeEmbedDim);
        using var scope = p.Scratch();
        var dx = p.New(x.Shape);
        if (convOut.IsTrained(p))
            using (p.Scratch()) convOut.Train(p, convNormOut.Forward(p, x), dOutput);
        convOut.Backward(p, dOutput, dx);
        convNormOut.Backward(p, x, dx, dx);
        for (var i = upBlocks.Length - 1; i >= 0; i--)
        {
            dFeatures?.AddTo(p, $"u{i}", dx);
            dx = upBlocks[i].Backward(p, act, c, dx);
        }
        dFeatures?.AddTo(p, "m", dx);
        encoder.MiddleBackward(p, act, c, dx);
        encoder.DownBackward(p, act, c, dFeatures, dSample);
        encoder.EmbedBackward(p, c);
    }

    /// <summary>The backward pass of <see cref="Condition"/>, after <see cref="Backward"/>.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="c">What the backward pass collected its gradients in.</param>
    /// <param name="encoderHiddenStates">As in <see cref="Condition"/>.</param>
    /// <param name="dEncoderHiddenStates">[B, T, cross_attention_dim], written.</param>
    /// <param name="dTextEmbeds">[B, P], written if given.</param>
    public void ConditionBackward(Pass p, UNetConditioning c, Tensor encoderHiddenStates, Tensor dEncoderHiddenStates, Tensor? dTextEmbeds = null) =>
        encoder.ConditionBackward(p, crossAttentions, c, encoderHiddenStates, dEncoderHiddenStates, dTextEmbeds);

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();
}
