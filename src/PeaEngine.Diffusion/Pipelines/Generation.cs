using System.Collections;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The pictures of one call, with all that is needed to draw them again.</summary>
public sealed class Generation : IReadOnlyList<GeneratedImage>
{
    readonly GeneratedImage[] images;

    internal Generation(GenerateOptions options, GenerationPlan plan, int[] latentShape, float[] latents, TimeSpan elapsed, GeneratedImage[] images)
    {
        this.images = images;
        (Options, Steps, Width, Height) = (options, plan.Steps, plan.Width, plan.Height);
        (LatentShape, Latents, Elapsed) = (latentShape, latents, elapsed);
    }

    /// <summary>What was asked for.</summary>
    public GenerateOptions Options { get; }

    /// <summary>num_inference_steps, the default filled in.</summary>
    public int Steps { get; }

    /// <summary>Pixels.</summary>
    public int Width { get; }

    /// <summary>Pixels.</summary>
    public int Height { get; }

    /// <summary>[count, channels, h, w]</summary>
    public IReadOnlyList<int> LatentShape { get; }

    /// <summary>The final latents, before they are divided by the scaling factor.</summary>
    public float[] Latents { get; }

    /// <summary>From the prompt to the last pixel, without loading the model.</summary>
    public TimeSpan Elapsed { get; }

    /// <inheritdoc/>
    public int Count => images.Length;

    /// <inheritdoc/>
    public GeneratedImage this[int index] => images[index];

    /// <inheritdoc/>
    public IEnumerator<GeneratedImage> GetEnumerator() => images.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => images.GetEnumerator();
}

/// <summary>One picture.</summary>
public sealed class GeneratedImage
{
    internal GeneratedImage(PixelImage pixels, float[] values) => (Pixels, Values) = (pixels, values);

    /// <summary>8-bit RGB, with the parameters in its texts.</summary>
    public PixelImage Pixels { get; }

    /// <summary>The same before rounding, [H, W, 3] in 0…1.</summary>
    public float[] Values { get; }

    /// <summary>Writes a PNG or, for .jpg and .jpeg, a JPEG of quality 95 and 4:4:4, with the parameters inside, whole or not at all.</summary>
    /// <exception cref="PeaException">The ending is another, or the file cannot be written.</exception>
    public void Save(string path) => Pixels.Save(path, JpegOptions.Fine);
}
