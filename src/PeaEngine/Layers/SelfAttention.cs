namespace PeaEngine.Layers;

/// <summary>
/// transformers' attention of a text encoder: output(softmax(scale·q·kᵀ + mask)·v) of x [B, T, channels], added to a residual. The four
/// projections come from the model, which knows what its checkpoint calls them.
/// </summary>
public sealed class SelfAttention
{
    readonly Linear query, key, value, output;
    readonly int heads;
    readonly float scale;

    /// <summary>Attention with <paramref name="heads"/> heads, which divide the width of the projections; the scale is 1/√D where none is given.</summary>
    public SelfAttention(Linear query, Linear key, Linear value, Linear output, int heads, float? scale = null)
    {
        (this.query, this.key, this.value, this.output, this.heads) = (query, key, value, output, heads);
        this.scale = scale ?? 1 / MathF.Sqrt(query.OutFeatures / (float)heads);
    }

    /// <summary>Adds to <paramref name="residual"/> [B, T, channels], which may be x.</summary>
    public void Forward(Pass p, Tensor x, Tensor residual, AttentionMask mask = default)
    {
        using var scope = p.Scratch();
        var q = query.Forward(p, x);
        p.Backend.Attention(q, key.Forward(p, x), value.Forward(p, x), q, heads, scale, mask);
        output.Forward(p, q, residual, residual: residual);
    }
}
