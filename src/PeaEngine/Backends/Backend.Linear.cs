namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>y = activation(x · weightᵀ + bias) + residual.</summary>
    /// <param name="x">[.., K] F32</param>
    /// <param name="weight">[N, K] F32, F16 or BF16</param>
    /// <param name="bias">[N] F32 or none</param>
    /// <param name="y">[.., N] F32; may be <paramref name="residual"/> itself, never <paramref name="x"/></param>
    /// <param name="activation">Applied before the residual is added.</param>
    /// <param name="residual">[.., N] F32 or none</param>
    public abstract void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null);
}
