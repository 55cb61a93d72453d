namespace PeaEngine.Diffusion.Vae;

/// <summary>diffusers DiagonalGaussianDistribution: what an encoded picture's latents are drawn from. It lives in host memory.</summary>
public sealed class DiagonalGaussianDistribution
{
    const float LeastLogVar = -30, MostLogVar = 20;

    readonly float[] mean, logVar;

    /// <summary>Reads moments [B, h, w, 2C]: C means, then C logarithms of variances.</summary>
    internal DiagonalGaussianDistribution(Backend backend, Tensor moments)
    {
        var channels = moments.Shape[3] / 2;
        Shape = moments.Shape.WithLast(channels);
        var values = new float[moments.Elements];
        backend.Download(moments, values);
        (mean, logVar) = (new float[Shape.Elements], new float[Shape.Elements]);
        for (var i = 0; i < mean.Length; i++)
        {
            var at = i / channels * 2 * channels + i % channels;
            mean[i] = values[at];
            logVar[i] = Math.Clamp(values[at + channels], LeastLogVar, MostLogVar);
        }
    }

    /// <summary>[B, h, w, C]</summary>
    public Shape Shape { get; }

    /// <summary>The means in the order of <see cref="Shape"/>.</summary>
    public ReadOnlySpan<float> Mean => mean;

    /// <summary>The logarithms of the variances, from −30 to 20.</summary>
    public ReadOnlySpan<float> LogVar => logVar;

    /// <summary>A new tensor [B, h, w, C]: the means.</summary>
    public Tensor Mode(Pass p)
    {
        var y = p.New(Shape);
        p.Backend.Upload(mean, y);
        return y;
    }

    /// <summary>A new tensor [B, h, w, C]: mean + standard deviation · noise.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="noise">[B, h, w, C] F32, standard normal</param>
    /// <exception cref="PeaException">The noise has another shape.</exception>
    public Tensor Sample(Pass p, Tensor noise)
    {
        if (noise.Shape != Shape) throw new PeaException($"vae: noise {noise.Shape}, expected {Shape}");
        var values = new float[mean.Length];
        p.Backend.Download(noise, values);
        for (var i = 0; i < values.Length; i++) values[i] = mean[i] + MathF.Exp(0.5f * logVar[i]) * values[i];
        var y = p.New(Shape);
        p.Backend.Upload(values, y);
        return y;
    }
}
