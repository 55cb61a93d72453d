namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y = activation(x · weightᵀ + bias) + residual.</summary>
    /// <param name="x">[.., K] T</param>
    /// <param name="weight">[N, K] F32, F16 or BF16</param>
    /// <param name="bias">[N] F32 or none</param>
    /// <param name="y">[.., N] T; may be <paramref name="residual"/> itself, never <paramref name="x"/></param>
    /// <param name="activation">Applied before the residual is added.</param>
    /// <param name="residual">[.., N] T or none</param>
    public abstract void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null);

    /// <summary>The gradient of a product's input: dx = dy · weight + residual.</summary>
    /// <param name="dy">[.., N] T</param>
    /// <param name="weight">[N, K] F32, F16 or BF16</param>
    /// <param name="dx">[.., K] T; may be <paramref name="residual"/> itself, never <paramref name="dy"/></param>
    /// <param name="residual">[.., K] T or none: a gradient from elsewhere</param>
    public abstract void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null);

    /// <summary>The gradient of a product's weight: dWeight += dyᵀ · x. That of its bias is <see cref="SumTokens"/> of dy.</summary>
    /// <param name="x">[.., K] T</param>
    /// <param name="dy">[.., N] T, as many rows</param>
    /// <param name="dWeight">[N, K] F32, added to</param>
    public abstract void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight);
}
