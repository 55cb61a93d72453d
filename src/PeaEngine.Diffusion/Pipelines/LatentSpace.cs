using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Randomness;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// Between pictures and latents: the VAE with its scaling. Latents are [C, h, w] on the host, in the reference's layout. Each run
/// has memory of its own, measured first, so that it is there only while it is needed.
/// </summary>
sealed class LatentSpace(Backend backend, AutoencoderKL vae)
{
    /// <summary>Channels of a latent pixel.</summary>
    public int Channels => vae.Config.LatentChannels;

    /// <summary>Pixels a latent, both ways.</summary>
    public int Factor => vae.Config.Factor;

    /// <summary>A sample of the VAE's posterior, scaled: <paramref name="pixels"/> [H, W, 3] in −1…1 to latents [C, h, w].</summary>
    public float[] Encode(float[] pixels, int height, int width, TorchGenerator generator, CancellationToken cancellation)
    {
        int h = height / Factor, w = width / Factor;
        var noise = new float[Channels * h * w];
        generator.Randn(noise);
        var latents = new float[noise.Length];
        MeasuredArena.Run(backend, p =>
        {
            var image = p.New([1, height, width, 3]);
            p.Backend.Upload(pixels, image);
            var posterior = vae.Encode(p, image);
            Tensor first = p.New([1, Channels, h, w], DType.F32), last = p.New([1, h, w, Channels], DType.F32);
            p.Backend.Upload(noise, first);
            p.Backend.ToChannelsLast(first, last);
            p.Backend.ToChannelsFirst(vae.Scale(p, posterior.Sample(p, last)), first);
            p.Backend.Download(first, latents);
        }, cancellation);
        return FiniteValues.Check("vae encoder", backend, latents);
    }

    /// <summary>The picture of one image's latents [C, h, w]: [H, W, 3] in 0…1.</summary>
    public float[] Decode(ReadOnlyMemory<float> latents, int h, int w, CancellationToken cancellation)
    {
        var picture = new float[h * Factor * w * Factor * 3];
        MeasuredArena.Run(backend, p =>
        {
            Tensor first = p.New([1, Channels, h, w], DType.F32), last = p.New([1, h, w, Channels], DType.F32);
            p.Backend.Upload(latents.Span, first);
            p.Backend.ToChannelsLast(first, last);
            p.Backend.Download(vae.Decode(p, p.Cast(vae.Unscale(p, last), p.Backend.ActivationType)), picture);
        }, cancellation);
        VaeImageProcessor.Denormalize(FiniteValues.Check("vae decoder", backend, picture));
        return picture;
    }
}
