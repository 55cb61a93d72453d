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
    /// What it adds to its residual is <paramref name="scale"/> times what it is, a power of two.
    /// </summary>
    public Attention(Weights w, int features, int contextFeatures, int heads, int headDim, bool bias = false, float scale = 1)
    {
        (this.heads, this.scale) = (heads, 1 / MathF.Sqrt(headDim));
        var inner = heads * headDim;
        var isOld = (w / "query").Has("weight");
        toQ = new(isOld ? w / "query" : w / "to_q", features, inner, bias);
        toK = new(isOld ? w / "key" : w / "to_k", contextFeatures, inner, bias);
        toV = new(isOld ? w / "value" : w / "to_v", contextFeatures, inner, bias);
        toOut = new((isOld ? w / "proj_attn" : w / "to_out" / 0).Scaled(scale, scale), inner, features);
    }

    /// <summary>The shape of keys and of values for a context [B, S, contextFeatures].</summary>
    public Shape KeyShape(Shape context) => context.WithLast(toK.OutFeatures);

    /// <summary>Writes keys and values [B, S, heads·headDim] of a context [B, S, contextFeatures].</summary>
    public void Project(Pass p, Tensor context, Tensor keys, Tensor values)
    {
        toK.Forward(p, context, keys);
        toV.Forward(p, context, values);
    }

    /// <summary>Writes y [B, T, features]: the attention of x [B, T, features] to given keys and values, added to <paramref name="residual"/>, which may be y.</summary>
    public void Forward(Pass p, Tensor x, Tensor keys, Tensor values, Tensor residual, Tensor y)
    {
        using var scope = p.Scratch();
        var q = p.Save(x.Shape.WithLast(toQ.OutFeatures));
        toQ.Forward(p, x, q);
        var attended = p.Over(q);
        Tensor? logSumExp = p.Saved == null ? null : p.Keep([x.Shape[0], heads, x.Shape[1]], DType.F32);
        p.Backend.Attention(q, keys, values, attended, heads, scale, logSumExp: logSumExp);
        toOut.Forward(p, attended, y, residual: residual);
        if (p.Saved == null) return;
        p.Saved.Push(q);
        p.Saved.Push(attended);
        p.Saved.Push(logSumExp!.Value);
    }

    /// <summary>Writes y [B, T, features]: the attention of x [B, T, features] to itself, added to <paramref name="residual"/>, which may be y.</summary>
    public void Forward(Pass p, Tensor x, Tensor residual, Tensor y)
    {
        using var scope = p.Scratch();
        Tensor keys = p.Save(KeyShape(x.Shape)), values = p.Save(KeyShape(x.Shape));
        Project(p, x, keys, values);
        Forward(p, x, keys, values, residual, y);
        p.Saved?.Push(keys);
        p.Saved?.Push(values);
    }

    /// <summary>Whether gradients of its projections are collected, for which the backward passes need the input.</summary>
    public bool IsTrained(Pass p) => toQ.IsTrained(p) || toK.IsTrained(p) || toV.IsTrained(p);

    /// <summary>Writes the gradients of x, keys and values, each of its shape, without that of the residual, which is dy.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="x">The input, where <see cref="IsTrained"/>.</param>
    /// <param name="keys">As in forward.</param>
    /// <param name="values">As in forward.</param>
    /// <param name="dy">[B, T, features]</param>
    /// <param name="dx">[B, T, features]</param>
    /// <param name="dKeys">[B, S, heads·headDim]</param>
    /// <param name="dValues">[B, S, heads·headDim]</param>
    public void Backward(Pass p, Tensor? x, Tensor keys, Tensor values, Tensor dy, Tensor dx, Tensor dKeys, Tensor dValues)
    {
        Tensor logSumExp = p.Saved!.Pop(), attended = p.Saved.Pop(), q = p.Saved.Pop();
        using var scope = p.Scratch();
        toOut.Train(p, attended, dy);
        Tensor dAttended = toOut.Backward(p, dy), dq = p.New(q.Shape);
        p.Backend.AttentionBackward(q, keys, values, attended, logSumExp, dAttended, dq, dKeys, dValues, heads, scale);
        if (x is { } input) toQ.Train(p, input, dq);
        toQ.Backward(p, dq, dx);
    }

    /// <summary>Writes the gradient of x, of attention to itself, without that of the residual, which is dy.</summary>
    public void Backward(Pass p, Tensor? x, Tensor dy, Tensor dx)
    {
        Tensor values = p.Saved!.Pop(), keys = p.Saved.Pop();
        using var scope = p.Scratch();
        Tensor dKeys = p.New(keys.Shape), dValues = p.New(values.Shape);
        Backward(p, x, keys, values, dy, dx, dKeys, dValues);
        ProjectBackward(p, x, dKeys, dValues, dx);
    }

    /// <summary>Adds the gradients of keys and values to that of the context they were projected from.</summary>
    public void ProjectBackward(Pass p, Tensor? context, Tensor dKeys, Tensor dValues, Tensor dContext)
    {
        if (context is { } input)
        {
            toK.Train(p, input, dKeys);
            toV.Train(p, input, dValues);
        }
        toK.Backward(p, dKeys, dContext, dContext);
        toV.Backward(p, dValues, dContext, dContext);
    }
}
