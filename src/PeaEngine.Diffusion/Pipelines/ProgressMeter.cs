using System.Diagnostics;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>Counts the steps of a generation, of all its models together, and tells whoever wants to know.</summary>
sealed class ProgressMeter(IProgress<GenerationProgress>? progress, int total, Func<float[], IReadOnlyList<PixelImage>> decode)
{
    readonly Stopwatch clock = new();
    int done;

    /// <summary>The next step is about to run: told once, before the first.</summary>
    public void Begin(Func<float[]> latents)
    {
        if (clock.IsRunning) return;
        clock.Start();
        Report(latents);
    }

    /// <summary>A step is done.</summary>
    public void Advance(Func<float[]> latents)
    {
        done++;
        Report(latents);
    }

    void Report(Func<float[]> latents) => progress?.Report(new(done, total, clock.Elapsed, latents, () => decode(latents())));
}
