using PeaEngine.Diffusion.Images;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>Where a generation stands after a step. What it offers to compute is valid only while the report is being handled.</summary>
public sealed class GenerationProgress
{
    readonly Func<float[]> latents;
    readonly Func<IReadOnlyList<PixelImage>> preview;

    internal GenerationProgress(int step, int total, TimeSpan elapsed, Func<float[]> latents, Func<IReadOnlyList<PixelImage>> preview)
    {
        (Step, Total, Elapsed) = (step, total, elapsed);
        this.latents = latents;
        this.preview = preview;
    }

    /// <summary>How many steps are done, 0 when the text has been encoded.</summary>
    public int Step { get; }

    /// <summary>How many steps there are.</summary>
    public int Total { get; }

    /// <summary>The time since the first step began.</summary>
    public TimeSpan Elapsed { get; }

    /// <summary>The rate so far; 0 before the first step is done.</summary>
    public double StepsPerSecond => Step == 0 ? 0 : Step / Math.Max(Elapsed.TotalSeconds, 1e-9);

    /// <summary>The latents as they are now, [count, 4, h, w].</summary>
    public float[] Latents() => latents();

    /// <summary>Decodes the latents as they are now: costs a VAE decode, and only if called.</summary>
    public IReadOnlyList<PixelImage> Preview() => preview();
}
