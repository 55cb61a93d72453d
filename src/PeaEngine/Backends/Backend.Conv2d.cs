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
    /// <param name="x">[B, H, W, I] F32</param>
    /// <param name="weight">[O, kh, kw, I] F32, F16 or BF16; kh = kw = 1 or 3</param>
    /// <param name="bias">[O] F32 or none</param>
    /// <param name="y">[B, Ho, Wo, O] F32; may be <paramref name="residual"/> itself</param>
    /// <param name="geometry">Stride, padding and upsampling.</param>
    /// <param name="shift">[B, O] F32 or none: added at every pixel (a resnet's time embedding)</param>
    /// <param name="residual">[B, Ho, Wo, O] F32 or none</param>
    public abstract void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null);
}
