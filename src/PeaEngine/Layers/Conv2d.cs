namespace PeaEngine.Layers;

/// <summary>torch's Conv2d, frozen, channels last: x [B, H, W, inChannels] to [B, Ho, Wo, outChannels]. It keeps nothing.</summary>
public sealed class Conv2d
{
    readonly Weight weight;
    readonly Tensor bias;
    readonly int inChannels, outChannels, kernel;

    /// <summary>Takes <c>weight</c> [outChannels, inChannels, kernel, kernel] and <c>bias</c>.</summary>
    public Conv2d(Weights w, int inChannels, int outChannels, int kernel)
    {
        (this.inChannels, this.outChannels, this.kernel) = (inChannels, outChannels, kernel);
        weight = w.TakeConv("weight", outChannels, inChannels, kernel);
        bias = w.TakeVector("bias", outChannels);
    }

    /// <summary>Stride 1 and zeros all around, so that the size stays; <paramref name="shift"/> [B, outChannels] and <paramref name="residual"/> are added.</summary>
    public Tensor Forward(Pass p, Tensor x, Tensor? shift = null, Tensor? residual = null)
    {
        var y = p.New([x.Shape[0], x.Shape[1], x.Shape[2], outChannels]);
        Run(p, x, y, new(Padding: kernel / 2), shift, residual);
        return y;
    }

    /// <summary>Writes y [B, H, W, outChannels] as <see cref="Forward(Pass, Tensor, Tensor?, Tensor?)"/> would give it.</summary>
    public void Forward(Pass p, Tensor x, Tensor y, Tensor? shift = null, Tensor? residual = null) =>
        Run(p, x, y, new(Padding: kernel / 2), shift, residual);

    /// <summary>
    /// Writes y [B, DownsampledSize(H), DownsampledSize(W), outChannels]: stride 2 over a zero border, <paramref name="padding"/>
    /// above and left, 1 below and right (diffusers' Downsample2D).
    /// </summary>
    public void Downsample(Pass p, Tensor x, Tensor y, int padding) => Run(p, x, y, new(Stride: 2, Padding: padding), null, null);

    /// <summary>Height or width after <see cref="Downsample"/> with a kernel of 3.</summary>
    public static int DownsampledSize(int size, int padding) => (size + padding) / 2;

    /// <summary>Writes y: x resized to y's height and width by nearest neighbour, then the convolution (diffusers' Upsample2D).</summary>
    public void Upsample(Pass p, Tensor x, Tensor y) =>
        Run(p, x, y, new(Padding: kernel / 2, InputHeight: y.Shape[1], InputWidth: y.Shape[2]), null, null);

    void Run(Pass p, Tensor x, Tensor y, Conv2dGeometry geometry, Tensor? shift, Tensor? residual)
    {
        if (x.Shape.Rank != 4 || x.Shape[3] != inChannels)
            throw new PeaException($"conv2d: input {x.Shape} has {x.Shape[-1]} channels, weight {weight.Key} wants {inChannels}");
        p.Backend.Conv2d(x, weight.Value, bias, y, geometry, shift, residual);
    }

    /// <summary>Writes dx [B, H, W, inChannels] = the gradient of x + <paramref name="residual"/>, where the size stayed.</summary>
    public void Backward(Pass p, Tensor dy, Tensor dx, Tensor? residual = null) =>
        p.Backend.Conv2dBackward(dy, weight.Value, dx, new(Padding: kernel / 2), residual);

    /// <summary>Writes dx of <see cref="Downsample"/>.</summary>
    public void DownsampleBackward(Pass p, Tensor dy, Tensor dx, int padding, Tensor? residual = null) =>
        p.Backend.Conv2dBackward(dy, weight.Value, dx, new(Stride: 2, Padding: padding), residual);

    /// <summary>Writes dx of <see cref="Upsample"/>.</summary>
    public void UpsampleBackward(Pass p, Tensor dy, Tensor dx)
    {
        using var scope = p.Scratch();
        var resized = p.New(dy.Shape.WithLast(inChannels));
        Backward(p, dy, resized);
        p.Backend.ResizeBackward(resized, dx);
    }

    /// <summary>Whether its gradients are collected, for which <see cref="Train(Pass, Tensor, Tensor)"/> needs the input.</summary>
    public bool IsTrained(Pass p) => p.Gradients?.Of(weight.Value) != null;

    /// <summary>Adds to the gradients of weight and bias, where they are collected.</summary>
    public void Train(Pass p, Tensor x, Tensor dy) => Train(p, x, dy, new(Padding: kernel / 2));

    /// <summary>As <see cref="Train(Pass, Tensor, Tensor)"/>, of <see cref="Downsample"/>.</summary>
    public void TrainDownsample(Pass p, Tensor x, Tensor dy, int padding) => Train(p, x, dy, new(Stride: 2, Padding: padding));

    /// <summary>As <see cref="Train(Pass, Tensor, Tensor)"/>, of <see cref="Upsample"/>.</summary>
    public void TrainUpsample(Pass p, Tensor x, Tensor dy) => Train(p, x, dy, new(Padding: kernel / 2, InputHeight: dy.Shape[1], InputWidth: dy.Shape[2]));

    void Train(Pass p, Tensor x, Tensor dy, Conv2dGeometry geometry)
    {
        if (p.Gradients?.Of(weight.Value) is { } dWeight) p.Backend.Conv2dWeightBackward(x, dy, dWeight, geometry);
        p.TrainBias(bias, dy);
    }
}
