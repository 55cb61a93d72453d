namespace PeaEngine;

public abstract partial class Backend
{
    /// <summary>torch's group_norm, then SiLU if asked. Statistics over H·W·C/groups, biased variance.</summary>
    /// <param name="x">[B, .., C] F32</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="beta">[C] F32</param>
    /// <param name="y">[B, .., C] F32; may be <paramref name="x"/></param>
    /// <param name="groups">Divides C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    public abstract void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu);

    /// <summary>torch's layer_norm over the last dimension.</summary>
    /// <param name="x">[.., C] F32</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="beta">[C] F32</param>
    /// <param name="y">[.., C] F32; may be <paramref name="x"/></param>
    /// <param name="epsilon">Added to the variance.</param>
    public abstract void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon);

    /// <summary>T5's norm over the last dimension (arXiv 1910.07467): y = gamma · x / √(mean(x²) + ε). No mean is taken off and nothing is added.</summary>
    /// <param name="x">[.., C] F32</param>
    /// <param name="gamma">[C] F32</param>
    /// <param name="y">[.., C] F32; may be <paramref name="x"/></param>
    /// <param name="epsilon">Added to the mean of the squares.</param>
    public abstract void RmsNorm(Tensor x, Tensor gamma, Tensor y, float epsilon);
}
