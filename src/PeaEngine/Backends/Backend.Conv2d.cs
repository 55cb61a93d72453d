namespace PeaEngine;

/// <summary>What a convolution does beside the product. Where an input index falls outside the image the value is zero.</summary>
/// <param name="Stride">1 or 2, both ways.</param>
/// <param name="Padding">Zeros above and to the left; what lies below and to the right follows from the output's size.</param>
/// <param name="InputHeight">If not 0, x is first resized to this height by nearest neighbour, as upsamplers do.</param>
/// <param name="InputWidth">Likewise the width.</param>
public readonly record struct Conv2dGeometry(int Stride = 1, int Padding = 0, int InputHeight = 0, int InputWidth = 0);

public abstract partial class Backend
{
    /// <summary>
    /// y = conv(x, weight) + bias + shift + residual, channels last.
    /// </summary>
    /// <param name="x">[B, H, W, I] T</param>
    /// <param name="weight">[O, kh, kw, I] F32, F16 or BF16; kh = kw = 1 or 3</param>
    /// <param name="bias">[O] F32 or none</param>
    /// <param name="y">[B, Ho, Wo, O] T; may be <paramref name="residual"/> itself</param>
    /// <param name="geometry">Stride, padding and upsampling.</param>
    /// <param name="shift">[B, O] T or none: added at every pixel (a resnet's time embedding)</param>
    /// <param name="residual">[B, Ho, Wo, O] T or none</param>
    public abstract void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null);

    /// <summary>
    /// The gradient of a convolution's input: dx = conv(dy, weight turned by half a circle, inputs and outputs exchanged) + residual. Where
    /// the convolution upsampled, dx is the gradient of the upsampled image, which <see cref="ResizeBackward"/> gathers.
    /// </summary>
    /// <param name="dy">[B, Ho, Wo, O] T</param>
    /// <param name="weight">[O, kh, kw, I] F32, F16 or BF16; kh = kw = 1 or 3</param>
    /// <param name="dx">[B, H, W, I] T; may be <paramref name="residual"/> itself</param>
    /// <param name="geometry">The convolution's stride and padding.</param>
    /// <param name="residual">[B, H, W, I] T or none: a gradient from elsewhere</param>
    public abstract void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null);

    /// <summary>The gradient of a convolution's weight, added to what is there. That of its bias is <see cref="SumTokens"/> of dy.</summary>
    /// <param name="x">[B, H, W, I] T</param>
    /// <param name="dy">[B, Ho, Wo, O] T</param>
    /// <param name="dWeight">[O, kh, kw, I] F32, added to</param>
    /// <param name="geometry">As in the convolution, upsampling too.</param>
    public abstract void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry);

    /// <summary>The gradient of an image that was resized by nearest neighbour: each pixel's is the sum over those that it became.</summary>
    /// <param name="dy">[B, Ho, Wo, C] T, Ho and Wo at least H and W</param>
    /// <param name="dx">[B, H, W, C] T</param>
    public abstract void ResizeBackward(Tensor dy, Tensor dx);
}
