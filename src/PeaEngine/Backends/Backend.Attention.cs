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
    /// <param name="q">[B, Tq, heads·D] F32</param>
    /// <param name="k">[B, Tk, heads·D] F32</param>
    /// <param name="v">[B, Tk, heads·D] F32</param>
    /// <param name="y">[B, Tq, heads·D] F32; may be <paramref name="q"/></param>
    /// <param name="heads">Divides the last dimension; D is any size.</param>
    /// <param name="scale">Usually 1/√D.</param>
    /// <param name="mask">Which keys a query sees.</param>
    public abstract void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default);
}
