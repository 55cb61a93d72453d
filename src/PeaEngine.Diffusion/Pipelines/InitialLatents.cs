using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Randomness;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// What the loop begins with. Draws come in the reference's order: image to image draws the VAE sample, then the noise; inpainting
/// the sample (unless nothing needs it), the noise, then the masked image's sample.
/// </summary>
/// <param name="Shape">[count, C, h, w]</param>
/// <param name="Latents">Where the loop begins.</param>
/// <param name="Original">The init image's latents, where a 4-channel UNet inpaints.</param>
/// <param name="Noise">The noise they are given again at every step.</param>
/// <param name="Mask">[count, C, h, w], 1 where it is drawn anew.</param>
/// <param name="InpaintChannels">[rows·count, h, w, 1 + C]: mask and masked image's latents, where a 9-channel UNet inpaints.</param>
sealed record InitialLatents(Shape Shape, float[] Latents, float[]? Original = null, float[]? Noise = null, float[]? Mask = null, float[]? InpaintChannels = null)
{
    /// <summary>Prepares the latents of a plan; the scheduler's timesteps are set.</summary>
    public static InitialLatents Create(
        Backend backend, LatentSpace space, Scheduler scheduler, TorchGenerator generator, GenerationPlan plan, GenerateOptions options, int rows, int unetChannels,
        CancellationToken cancellation)
    {
        int h = plan.Height / space.Factor, w = plan.Width / space.Factor, count = options.Count;
        Shape shape = [count, space.Channels, h, w];
        var elements = checked((int)shape.Elements);
        if (plan.Kind == GenerationKind.TextToImage)
            return new(shape, Scaled(Draw(generator, elements), scheduler.InitNoiseSigma));
        var pixels = new float[plan.Height * plan.Width * 3];
        VaeImageProcessor.Preprocess(options.InitImage!, plan.Width, plan.Height, pixels);
        if (plan.Kind == GenerationKind.ImageToImage)
        {
            var image = Repeat(space.Encode(pixels, plan.Height, plan.Width, generator, cancellation), count);
            var drawn = Draw(generator, elements);
            return new(shape, AddNoise(backend, scheduler, plan, shape, image, drawn));
        }
        var inpaints = unetChannels != space.Channels;
        float[] mask = new float[plan.Height * plan.Width], latentMask = new float[h * w];
        VaeImageProcessor.PreprocessMask(options.Mask!, plan.Width, plan.Height, mask);
        VaeImageProcessor.ResizeNearest(mask, plan.Width, plan.Height, latentMask, w, h);
        var original = !inpaints || !plan.IsStrengthMax ? Repeat(space.Encode(pixels, plan.Height, plan.Width, generator, cancellation), count) : null;
        var noiseValues = Draw(generator, elements);
        var latents = plan.IsStrengthMax
            ? Scaled((float[])noiseValues.Clone(), scheduler.InitNoiseSigma)
            : AddNoise(backend, scheduler, plan, shape, original!, noiseValues);
        if (!inpaints)
        {
            // The reference encodes the masked image here too and uses only the generator's state: so only the draw is made.
            Draw(generator, space.Channels * h * w);
            return new(shape, latents, original, noiseValues, ForChannels(latentMask, space.Channels, count));
        }
        for (var i = 0; i < mask.Length; i++)
            if (mask[i] >= 0.5f) pixels.AsSpan(i * 3, 3).Clear();
        var masked = space.Encode(pixels, plan.Height, plan.Width, generator, cancellation);
        return new(shape, latents, InpaintChannels: Interleave(latentMask, masked, space.Channels, rows * count));
    }

    static float[] Draw(TorchGenerator generator, int count)
    {
        var values = new float[count];
        generator.Randn(values);
        return values;
    }

    static float[] AddNoise(Backend backend, Scheduler scheduler, GenerationPlan plan, Shape shape, float[] original, float[] noise)
    {
        using var arena = new Arena(backend, 2 * Arena.Align(shape.Elements * sizeof(float)));
        Tensor latents = arena.Keep(shape, DType.F32), drawn = arena.Keep(shape, DType.F32);
        backend.Upload(original, latents);
        backend.Upload(noise, drawn);
        scheduler.AddNoise(backend, latents, drawn, latents, plan.FirstStep * scheduler.Order);
        var noisy = new float[original.Length];
        backend.Download(latents, noisy);
        return noisy;
    }

    static float[] Scaled(float[] values, double factor)
    {
        for (var i = 0; i < values.Length; i++) values[i] *= (float)factor;
        return values;
    }

    static float[] Repeat(float[] one, int count) => PromptEmbeddings.Repeat(one, 1, count);

    static float[] ForChannels(float[] mask, int channels, int count) => PromptEmbeddings.Repeat(mask, 1, channels * count);

    /// <summary>Mask [h, w] and latents [C, h, w] as [batch, h, w, 1 + C].</summary>
    static float[] Interleave(float[] mask, float[] latents, int channels, int batch)
    {
        var size = mask.Length;
        var one = new float[size * (1 + channels)];
        for (var i = 0; i < size; i++)
        {
            one[i * (1 + channels)] = mask[i];
            for (var c = 0; c < channels; c++) one[i * (1 + channels) + 1 + c] = latents[c * size + i];
        }
        return Repeat(one, batch);
    }
}
