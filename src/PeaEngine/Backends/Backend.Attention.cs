namespace PeaEngine;

/// <summary>Which keys a query sees.</summary>
/// <param name="Causal">Query i sees keys 0 to i only.</param>
/// <param name="KeyPadding">[B, Tk] U8 or none: keys with 0 are not seen. A query that sees no key at all gets zeros.</param>
/// <param name="Bias">[1 or B, 1 or heads, Tq, Tk] F32 or none: added to the scaled scores.</param>
public readonly record struct AttentionMask(bool Causal = false, Tensor? KeyPadding = null, Tensor? Bias = null);

public abstract partial class Backend
{
    /// <summary>
    /// softmax(scale · q · kᵀ + mask) · v per head, streamed over keys (FlashAttention, arXiv 2205.14135): the scores are never stored whole.
    /// </summary>
    /// <param name="q">[B, Tq, heads·D] T</param>
    /// <param name="k">[B, Tk, heads·D] T</param>
    /// <param name="v">[B, Tk, heads·D] T</param>
    /// <param name="y">[B, Tq, heads·D] T; may be <paramref name="q"/></param>
    /// <param name="heads">Divides the last dimension; D is any size.</param>
    /// <param name="scale">Usually 1/√D.</param>
    /// <param name="mask">Which keys a query sees.</param>
    /// <param name="logSumExp">[B, heads, Tq] F32 or none, for <see cref="AttentionBackward"/>: the natural logarithm of the sum of the exponentials of a query's scores, −∞ where it sees no key.</param>
    public abstract void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default, Tensor? logSumExp = null);

    /// <summary>
    /// The gradients of <see cref="Attention"/>, streamed as it is (FlashAttention-2, arXiv 2307.08691): the weights are computed again
    /// from q, k and <paramref name="logSumExp"/>. With D = Σ dy·y and dS = P∘(dy·vᵀ − D): dq = scale·dS·k, dk = scale·dSᵀ·q, dv = Pᵀ·dy.
    /// A query that sees no key has and gives no gradient.
    /// </summary>
    /// <param name="q">[B, Tq, heads·D] T</param>
    /// <param name="k">[B, Tk, heads·D] T</param>
    /// <param name="v">[B, Tk, heads·D] T</param>
    /// <param name="y">[B, Tq, heads·D] T, what <see cref="Attention"/> gave.</param>
    /// <param name="logSumExp">[B, heads, Tq] F32, what <see cref="Attention"/> gave.</param>
    /// <param name="dy">[B, Tq, heads·D] T</param>
    /// <param name="dq">[B, Tq, heads·D] T, none of the inputs.</param>
    /// <param name="dk">[B, Tk, heads·D] T, none of the inputs.</param>
    /// <param name="dv">[B, Tk, heads·D] T, none of the inputs.</param>
    /// <param name="heads">As for <see cref="Attention"/>.</param>
    /// <param name="scale">As for <see cref="Attention"/>.</param>
    /// <param name="mask">As for <see cref="Attention"/>.</param>
    /// <param name="dBias">[1 or B, 1 or heads, Tq, Tk] F32 or none: the gradient of the mask's bias is added to it.</param>
    public abstract void AttentionBackward(Tensor q, Tensor k, Tensor v, Tensor y, Tensor logSumExp, Tensor dy, Tensor dq, Tensor dk, Tensor dv, int heads, float scale, AttentionMask mask = default, Tensor? dBias = null);
}
