using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>What a picture's latents are.</summary>
public enum LatentSampling
{
    /// <summary>Drawn from the VAE's posterior, anew each time.</summary>
    Sample,

    /// <summary>The posterior's mean.</summary>
    Mean,
}

/// <summary>From moments to what the UNet sees.</summary>
/// <param name="Scale">What each channel is multiplied by [C].</param>
/// <param name="Offset">What is then added [C].</param>
sealed record LatentScale(float[] Scale, float[] Offset)
{
    /// <summary>Fills in latents [C, h, w].</summary>
    public void Apply(LatentMoments moments, LatentSampling sampling, ulong seed, ulong place, Span<float> latents)
    {
        var pixels = latents.Length / Scale.Length;
        if (sampling == LatentSampling.Sample) new Philox(seed, (uint)RandomStream.Latents, place).Normals(latents);
        for (var i = 0; i < latents.Length; i++)
        {
            var value = moments.Mean[i];
            if (sampling == LatentSampling.Sample) value += MathF.Exp(0.5f * moments.LogVar[i]) * latents[i];
            latents[i] = value * Scale[i / pixels] + Offset[i / pixels];
        }
    }
}
