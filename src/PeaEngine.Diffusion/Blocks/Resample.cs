using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Blocks;

/// <summary>diffusers Downsample2D: a convolution of stride 2. x [B, H, W, C] to half the size.</summary>
/// <param name="w">Where <c>conv</c> is.</param>
/// <param name="channels">C</param>
/// <param name="padding">1, or 0 for zeros below and to the right only (<c>downsample_padding</c>).</param>
sealed class Downsample2D(Weights w, int channels, int padding)
{
    readonly Conv2d conv = new(w / "conv", channels, channels, 3);

    /// <summary>The output's shape for an input's.</summary>
    public Shape OutputShape(Shape x) =>
        [x[0], Conv2d.DownsampledSize(x[1], padding), Conv2d.DownsampledSize(x[2], padding), channels];

    /// <summary>Writes y of <see cref="OutputShape"/>.</summary>
    public void Forward(Pass p, Tensor x, Tensor y)
    {
        conv.Downsample(p, x, y, padding);
        p.Saved?.Push(x);
    }

    /// <summary>A new tensor: the gradient of x.</summary>
    public Tensor Backward(Pass p, Tensor dy)
    {
        var x = p.Saved!.Pop();
        var dx = p.New(x.Shape);
        conv.TrainDownsample(p, x, dy, padding);
        conv.DownsampleBackward(p, dy, dx, padding);
        return dx;
    }

    /// <summary>Writes dx = the gradient of x + <paramref name="residual"/>, which may be dx.</summary>
    public void Backward(Pass p, Tensor dy, Tensor dx, Tensor? residual = null)
    {
        conv.TrainDownsample(p, p.Saved!.Pop(), dy, padding);
        conv.DownsampleBackward(p, dy, dx, padding, residual);
    }
}

/// <summary>diffusers Upsample2D: nearest neighbour to the size of y, then a convolution. x [B, H, W, C] to y [B, H', W', C].</summary>
sealed class Upsample2D(Weights w, int channels)
{
    readonly Conv2d conv = new(w / "conv", channels, channels, 3);

    /// <summary>Writes y.</summary>
    public void Forward(Pass p, Tensor x, Tensor y)
    {
        conv.Upsample(p, x, y);
        p.Saved?.Push(x);
    }

    /// <summary>A new tensor: the gradient of x.</summary>
    public Tensor Backward(Pass p, Tensor dy)
    {
        var x = p.Saved!.Pop();
        var dx = p.New(x.Shape);
        conv.TrainUpsample(p, x, dy);
        conv.UpsampleBackward(p, dy, dx);
        return dx;
    }
}
