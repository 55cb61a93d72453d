using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Blocks;

/// <summary>
/// diffusers Attention: to_out.0(softmax(q·kᵀ/√D)·v), added to a residual. Queries from x [B, T, features], keys and values from a
/// context [B, S, contextFeatures], which is x itself in self-attention.
/// </summary>
sealed class Attention
{
    readonly Linear toQ, toK, toV, toOut;
    readonly int heads;
    readonly float scale;

    /// <summary>
    /// Takes <c>to_q</c>, <c>to_k</c>, <c>to_v</c> and <c>to_out.0</c>, or what old checkpoints call them: <c>query</c>,
    /// <c>key</c>, <c>value</c> and <c>proj_attn</c>. The projections are [heads·headDim, ..]; only to_out always has a bias.
    /// </summary>
    public Attention(Weights w, int features, int contextFeatures, int heads, int headDim, bool bias = false)
    {
        (this.heads, scale) = (heads, 1 / MathF.Sqrt(headDim));
        var inner = heads * headDim;
        var isOld = (w / "query").Has("weight");
        toQ = new(isOld ? w / "query" : w / "to_q", features, inner, bias);
        toK = new(isOld ? w / "key" : w / "to_k", contextFeatures, inner, bias);
        toV = new(isOld ? w / "value" : w / "to_v", contextFeatures, inner, bias);
        toOut = new(isOld ? w / "proj_attn" : w / "to_out" / 0, inner, features);
    }

    /// <summary>The shape of keys and of values for a context [B, S, contextFeatures].</summary>
    public Shape KeyShape(Shape context) => context.WithLast(toK.OutFeatures);

    /// <summary>Writes keys and values [B, S, heads·headDim] of a context [B, S, contextFeatures].</summary>
    public void Project(Pass p, Tensor context, Tensor keys, Tensor values)
    {
        toK.Forward(p, context, keys);
        toV.Forward(p, context, values);
    }

    /// <summary>Adds the attention of x [B, T, features] to given keys and values to <paramref name="residual"/> [B, T, features].</summary>
    public void Forward(Pass p, Tensor x, Tensor keys, Tensor values, Tensor residual)
    {
        using var scope = p.Scratch();
        var q = toQ.Forward(p, x);
        p.Backend.Attention(q, keys, values, q, heads, scale);
        toOut.Forward(p, q, residual, residual: residual);
    }

    /// <summary>Adds the attention of x [B, T, features] to itself to <paramref name="residual"/> [B, T, features].</summary>
    public void Forward(Pass p, Tensor x, Tensor residual)
    {
        using var scope = p.Scratch();
        Tensor keys = p.New(KeyShape(x.Shape)), values = p.New(KeyShape(x.Shape));
        Project(p, x, keys, values);
        Forward(p, x, keys, values, residual);
    }
}
