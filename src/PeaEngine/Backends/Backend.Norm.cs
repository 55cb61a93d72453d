namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>torch's group_norm, then SiLU if asked. Statistics over H·W·C/groups, biased variance.</summary>
    /// <param name="x">[B, .., C] T</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="beta">[C] F32</param>
    /// <param name="y">[B, .., C] T; may be <paramref name="x"/></param>
    /// <param name="groups">Divides C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    public abstract void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu);

    /// <summary>
    /// The gradients of <see cref="GroupNorm"/>, whose statistics are computed anew: with x̂ the normalised x, dz = dy through SiLU where it followed and d = gamma · dz,
    /// dx = (d − mean(d) − x̂ · mean(d · x̂)) / σ, the means over a group.
    /// </summary>
    /// <param name="x">[B, .., C] T: what was normalised</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="beta">[C] F32</param>
    /// <param name="dy">[B, .., C] T</param>
    /// <param name="dx">[B, .., C] T, overwritten; may be <paramref name="dy"/></param>
    /// <param name="groups">Divides C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="silu">Whether SiLU followed.</param>
    /// <param name="dGamma">[C] F32, added to; with <paramref name="dBeta"/> or not at all</param>
    /// <param name="dBeta">[C] F32, added to</param>
    public abstract void GroupNormBackward(Tensor x, Tensor gamma, Tensor beta, Tensor dy, Tensor dx, int groups, float epsilon, bool silu,
        Tensor? dGamma = null, Tensor? dBeta = null);

    /// <summary>torch's layer_norm over the last dimension.</summary>
    /// <param name="x">[.., C] T</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="beta">[C] F32</param>
    /// <param name="y">[.., C] T; may be <paramref name="x"/></param>
    /// <param name="epsilon">Added to the variance.</param>
    public abstract void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon);

    /// <summary>
    /// The gradients of <see cref="LayerNorm"/>, whose statistics are computed anew: with x̂ the normalised x and d = gamma · dy, dx = (d − mean(d) − x̂ · mean(d · x̂)) / σ + residual.
    /// </summary>
    /// <param name="x">[.., C] T: what was normalised</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="dy">[.., C] T</param>
    /// <param name="dx">[.., C] T, overwritten; may be <paramref name="dy"/> or <paramref name="residual"/></param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="residual">[.., C] T: the gradient that reaches x on another way, or none</param>
    /// <param name="dGamma">[C] F32, added to; with <paramref name="dBeta"/> or not at all</param>
    /// <param name="dBeta">[C] F32, added to</param>
    public abstract void LayerNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null, Tensor? dBeta = null);

    /// <summary>T5's norm over the last dimension (arXiv 1910.07467): y = gamma · x / √(mean(x²) + ε). No mean is taken off and nothing is added.</summary>
    /// <param name="x">[.., C] T</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="y">[.., C] T; may be <paramref name="x"/></param>
    /// <param name="epsilon">Added to the mean of the squares.</param>
    public abstract void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon);

    /// <summary>
    /// The gradients of <see cref="RmsNorm"/>, whose statistic is computed anew: with r = 1 / √(mean(x²) + ε) and d = gamma · dy, dx = r · (d − x · r² · mean(d · x)) + residual.
    /// </summary>
    /// <param name="x">[.., C] T: what was normalised</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="dy">[.., C] T</param>
    /// <param name="dx">[.., C] T, overwritten; may be <paramref name="dy"/> or <paramref name="residual"/></param>
    /// <param name="epsilon">Added to the mean of the squares.</param>
    /// <param name="residual">[.., C] T: the gradient that reaches x on another way, or none</param>
    /// <param name="dGamma">[C] F32, added to, or none</param>
    public abstract void RmsNormBackward(Tensor x, Tensor gamma, Tensor dy, Tensor dx, float epsilon, Tensor? residual = null, Tensor? dGamma = null);
}
