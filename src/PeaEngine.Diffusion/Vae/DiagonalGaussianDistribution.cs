namespace PeaEngine.Diffusion.Vae;

/// <summary>diffusers DiagonalGaussianDistribution: what an encoded picture's latents are drawn from. It lives in host memory.</summary>
public sealed class DiagonalGaussianDistribution
{
    const float LeastLogVar = -30, MostLogVar = 20;

    readonly float[] moments, mean, logVar;

    /// <summary>Reads moments [B, h, w, 2C]: C means, then C logarithms of variances.</summary>
    internal DiagonalGaussianDistribution(Backend backend, Tensor moments)
    {
        Shape = moments.Shape.WithLast(moments.Shape[3] / 2);
        this.moments = new float[moments.Elements];
        backend.Download(moments, this.moments);
        (mean, logVar) = (new float[Shape.Elements], new float[Shape.Elements]);
        for (var i = 0; i < mean.Length; i++)
        {
            mean[i] = this.moments[MeanAt(i)];
            logVar[i] = Math.Clamp(this.moments[LogVarAt(i)], LeastLogVar, MostLogVar);
        }
    }

    /// <summary>[B, h, w, C]</summary>
    public Shape Shape { get; }

    /// <summary>The means in the order of <see cref="Shape"/>.</summary>
    public ReadOnlySpan<float> Mean => mean;

    /// <summary>The logarithms of the variances, from −30 to 20.</summary>
    public ReadOnlySpan<float> LogVar => logVar;

    /// <summary>A new tensor [B, h, w, C] F32: the means.</summary>
    public Tensor Mode(Pass p)
    {
        var y = p.New(Shape, DType.F32);
        p.Backend.Upload(mean, y);
        return y;
    }

    /// <summary>A new tensor [B, h, w, C] F32: mean + standard deviation · noise.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="noise">[B, h, w, C], standard normal</param>
    /// <exception cref="PeaException">The noise has another shape.</exception>
    public Tensor Sample(Pass p, Tensor noise)
    {
        var values = Download(p, noise, nameof(noise));
        for (var i = 0; i < values.Length; i++) values[i] = mean[i] + MathF.Exp(0.5f * logVar[i]) * values[i];
        var y = p.New(Shape, DType.F32);
        p.Backend.Upload(values, y);
        return y;
    }

    /// <summary>A new tensor [B, h, w, 2C]: the gradient of the moments, means before logarithms of variances. Where one of these was cut off it is 0.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="noise">[B, h, w, C], as in <see cref="Sample"/></param>
    /// <param name="dSample">[B, h, w, C]</param>
    /// <exception cref="PeaException">One of them has another shape.</exception>
    public Tensor SampleBackward(Pass p, Tensor noise, Tensor dSample)
    {
        float[] values = Download(p, noise, nameof(noise)), d = Download(p, dSample, nameof(dSample)), dMoments = new float[moments.Length];
        for (var i = 0; i < d.Length; i++)
        {
            dMoments[MeanAt(i)] = d[i];
            if (moments[LogVarAt(i)] is >= LeastLogVar and <= MostLogVar) dMoments[LogVarAt(i)] = 0.5f * MathF.Exp(0.5f * logVar[i]) * values[i] * d[i];
        }
        var y = p.New(Shape.WithLast(2 * Shape[3]));
        p.Backend.Upload(dMoments, y);
        return y;
    }

    /// <summary>Where the mean of element <paramref name="i"/> is among the moments.</summary>
    int MeanAt(int i) => i / Shape[3] * 2 * Shape[3] + i % Shape[3];

    /// <summary>Where the logarithm of its variance is.</summary>
    int LogVarAt(int i) => MeanAt(i) + Shape[3];

    float[] Download(Pass p, Tensor tensor, string name)
    {
        if (tensor.Shape != Shape) throw new PeaException($"vae: {name} {tensor.Shape}, expected {Shape}");
        var values = new float[mean.Length];
        p.Backend.Download(tensor, values);
        return values;
    }
}
