namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>
    /// diffusers' GEGLU: with h = x · weightᵀ + bias, y = h[.., :N] · activation(h[.., N:]). h is never stored whole.
    /// </summary>
    /// <param name="x">[.., K] T</param>
    /// <param name="weight">[2N, K] F32, F16 or BF16: the values' rows, then the gates'</param>
    /// <param name="bias">[2N] F32 or none</param>
    /// <param name="y">[.., N] T</param>
    /// <param name="activation">Of the gates: GELU with the error function in diffusers, its tanh approximation in mT5.</param>
    public abstract void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu);

    /// <summary>
    /// The gradient of y = h[.., :N] · activation(h[.., N:]) to h, which <see cref="Geglu"/> has never stored: a <see cref="Linear"/> computes it again.
    /// </summary>
    /// <param name="h">[.., 2N] T: values, then gates</param>
    /// <param name="dy">[.., N] T</param>
    /// <param name="dh">[.., 2N] T, overwritten; may be <paramref name="h"/></param>
    /// <param name="activation">Of the gates.</param>
    public abstract void GateBackward(Tensor h, Tensor dy, Tensor dh, Activation activation);
}
