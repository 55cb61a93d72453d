using PeaEngine.Formats;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Vae;

/// <summary>
/// diffusers AutoencoderKL: pictures with values from −1 to 1 to latents and back. SDXL's VAE overflows in half precision, where diffusers computes it in
/// single (<c>force_upcast</c>); here its residual stream is kept smaller by a power of two, see <see cref="VaeBlocks.Scale"/>.
/// </summary>
public sealed class AutoencoderKL : IDisposable
{
    readonly WeightStore weights;
    readonly Encoder encoder;
    readonly Decoder decoder;
    readonly Linear? quantConv, postQuantConv;

    AutoencoderKL(WeightStore weights, AutoencoderKLConfig config, DType activations)
    {
        (this.weights, Config) = (weights, config);
        var w = weights.Root;
        var scale = VaeBlocks.Scale(config, activations);
        encoder = new(w / "encoder", config, scale);
        decoder = new(w / "decoder", config, scale);
        if (config.UseQuantConv) quantConv = new(w / "quant_conv", 2 * config.LatentChannels, 2 * config.LatentChannels);
        if (config.UsePostQuantConv) postQuantConv = new(w / "post_quant_conv", config.LatentChannels, config.LatentChannels);
        weights.AssertAllTaken();
    }

    /// <summary>What the model is made of.</summary>
    public AutoencoderKLConfig Config { get; }

    /// <summary>The bytes of its weights.</summary>
    public long WeightBytes => weights.Bytes;

    /// <summary>Every tensor of its weights, by key.</summary>
    public IReadOnlyDictionary<string, Tensor> Parameters => weights.Parameters;

    /// <summary>The side of a tile in latents; larger latents are what <see cref="DecodeTiled"/> is for.</summary>
    public int TileLatentSize => Config.SampleSize / Config.Factor;

    /// <summary>Loads a VAE: its <c>config.json</c> and its weights.</summary>
    /// <exception cref="PeaException">The configuration asks for something that is not implemented, or the weights do not fit it.</exception>
    public static AutoencoderKL Load(Backend backend, JsonConfig config, ITensorSource weights)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var parsed = new AutoencoderKLConfig(config);
        return WeightStore.Load(backend, weights, store => new AutoencoderKL(store, parsed, backend.ActivationType));
    }

    /// <summary>The distribution of a picture's latents, not yet scaled.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="images">[B, H, W, in_channels] from −1 to 1</param>
    /// <exception cref="PeaException">A shape is not what the model wants.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public DiagonalGaussianDistribution Encode(Pass p, Tensor images)
    {
        var shape = images.Shape;
        if (shape.Rank != 4 || shape[3] != Config.InChannels || shape[1] < Config.Factor || shape[2] < Config.Factor)
            throw new PeaException($"vae: images {shape}, expected [batch, height, width, {Config.InChannels}] of at least {Config.Factor} pixels each way");
        using var scope = p.Scratch();
        var moments = p.New([shape[0], shape[1] / Config.Factor, shape[2] / Config.Factor, 2 * Config.LatentChannels]);
        if (quantConv == null)
        {
            encoder.Forward(p, images, moments);
        }
        else
        {
            var hidden = p.Save(moments.Shape);
            encoder.Forward(p, images, hidden);
            quantConv.Forward(p, hidden, moments);
            p.Saved?.Push(hidden);
        }
        return new(p.Backend, moments);
    }

    /// <summary>The backward pass of <see cref="Encode"/>, over what that left in the same pass.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="dMoments">[B, h, w, 2·latent_channels], as <see cref="DiagonalGaussianDistribution.SampleBackward"/> gives it.</param>
    /// <param name="dImages">[B, H, W, in_channels], written if given.</param>
    public void EncodeBackward(Pass p, Tensor dMoments, Tensor? dImages = null)
    {
        ArgumentNullException.ThrowIfNull(p);
        using var scope = p.Scratch();
        quantConv?.Train(p, p.Saved!.Pop(), dMoments);
        encoder.Backward(p, quantConv == null ? dMoments : quantConv.Backward(p, dMoments), dImages);
    }

    /// <summary>A new tensor [B, h·f, w·f, out_channels]: pictures from −1 to 1, or a little beyond.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="latents">[B, h, w, latent_channels], as <see cref="Unscale"/> gives them</param>
    /// <exception cref="PeaException">A shape is not what the model wants.</exception>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public Tensor Decode(Pass p, Tensor latents)
    {
        var images = p.New(ImageShape(latents));
        using var scope = p.Scratch();
        if (postQuantConv == null)
        {
            decoder.Forward(p, latents, images);
        }
        else
        {
            var hidden = p.Save(latents.Shape);
            postQuantConv.Forward(p, latents, hidden);
            p.Saved?.Push(latents);
            decoder.Forward(p, hidden, images);
        }
        return images;
    }

    /// <summary>The backward pass of <see cref="Decode"/>, over what that left in the same pass.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="dImages">[B, h·f, w·f, out_channels]</param>
    /// <param name="dLatents">[B, h, w, latent_channels], written if given.</param>
    public void DecodeBackward(Pass p, Tensor dImages, Tensor? dLatents = null)
    {
        ArgumentNullException.ThrowIfNull(p);
        if (postQuantConv == null)
        {
            decoder.Backward(p, dImages, dLatents);
            return;
        }
        using var scope = p.Scratch();
        var dHidden = p.New([dImages.Shape[0], dImages.Shape[1] / Config.Factor, dImages.Shape[2] / Config.Factor, Config.LatentChannels]);
        decoder.Backward(p, dImages, dHidden);
        postQuantConv.Train(p, p.Saved!.Pop(), dHidden);
        if (dLatents is { } ofLatents) postQuantConv.Backward(p, dHidden, ofLatents);
    }

    /// <summary>
    /// As <see cref="Decode"/>, but in tiles of <c>sample_size</c> pixels that overlap and are blended, which needs less memory. Latents
    /// no larger than a tile are decoded whole.
    /// </summary>
    /// <inheritdoc cref="Decode"/>
    public Tensor DecodeTiled(Pass p, Tensor latents)
    {
        var shape = ImageShape(latents);
        if (latents.Shape[1] <= TileLatentSize && latents.Shape[2] <= TileLatentSize) return Decode(p, latents);
        if (TileLatentSize < 2)
            throw new PeaException($"vae: sample_size {Config.SampleSize} makes tiles of {TileLatentSize} latents, expected 2 or more to decode in tiles");
        var images = p.New(shape);
        TiledDecoding.Decode(p, latents, images, TileLatentSize, Config.Factor, tile => Decode(p, tile));
        return images;
    }

    /// <summary>A new tensor of latents' type: encoded latents [B, h, w, latent_channels] as the UNet wants them, (z − mean) · scaling_factor / std.</summary>
    public Tensor Scale(Pass p, Tensor latents)
    {
        var (factors, offsets) = Config.LatentScale();
        return PerChannel(p, latents, factors, offsets);
    }

    /// <summary>A new tensor of latents' type: the UNet's latents [B, h, w, latent_channels] as <see cref="Decode"/> wants them, z · std / scaling_factor + mean.</summary>
    public Tensor Unscale(Pass p, Tensor latents)
    {
        double[] factors = new double[Config.LatentChannels], offsets = new double[Config.LatentChannels];
        for (var c = 0; c < factors.Length; c++)
            (factors[c], offsets[c]) = ((Config.LatentsStd?[c] ?? 1) / Config.ScalingFactor, Config.LatentsMean?[c] ?? 0);
        return PerChannel(p, latents, factors, offsets);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();

    /// <summary>factor · z + offset per channel, as a product with a diagonal matrix.</summary>
    Tensor PerChannel(Pass p, Tensor latents, double[] factors, double[] offsets)
    {
        CheckLatents(latents);
        var channels = factors.Length;
        var diagonal = new float[channels * channels];
        for (var c = 0; c < channels; c++) diagonal[c * channels + c] = (float)factors[c];
        var y = p.New(latents.Shape, latents.DType);
        using var scope = p.Scratch();
        Tensor weight = p.New([channels, channels], DType.F32), bias = p.New([channels], DType.F32);
        p.Backend.Upload(diagonal, weight);
        p.Backend.Upload(Array.ConvertAll(offsets, offset => (float)offset), bias);
        p.Backend.Linear(latents, weight, bias, y);
        return y;
    }

    Shape ImageShape(Tensor latents)
    {
        CheckLatents(latents);
        return [latents.Shape[0], checked(latents.Shape[1] * Config.Factor), checked(latents.Shape[2] * Config.Factor), Config.OutChannels];
    }

    void CheckLatents(Tensor latents)
    {
        if (latents.Shape.Rank != 4 || latents.Shape[3] != Config.LatentChannels)
            throw new PeaException($"vae: latents {latents.Shape}, expected [batch, height, width, {Config.LatentChannels}]");
    }
}
