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

    /// <summary>Writes y [B, T, channels], to which <paramref name="residual"/> is added; x, residual and y may be one.</summary>
    public void Forward(Pass p, Tensor x, Tensor residual, Tensor y, AttentionMask mask = default)
    {
        using var scope = p.Scratch();
        var shape = x.Shape.WithLast(query.OutFeatures);
        Tensor q = p.Save(shape), k = p.Save(shape), v = p.Save(shape), attended = p.Over(q);
        query.Forward(p, x, q);
        key.Forward(p, x, k);
        value.Forward(p, x, v);
        Tensor? logSumExp = p.Saved == null ? null : p.Keep([shape[0], heads, shape[1]], DType.F32);
        p.Backend.Attention(q, k, v, attended, heads, scale, mask, logSumExp);
        output.Forward(p, attended, y, residual: residual);
        if (p.Saved == null) return;
        p.Saved.Push(q);
        p.Saved.Push(k);
        p.Saved.Push(v);
        p.Saved.Push(attended);
        p.Saved.Push(logSumExp!.Value);
    }

    /// <summary>Writes dx = the gradient of x + <paramref name="residual"/>; dx may be dy and the residual.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="x">The forward pass's input [B, T, channels].</param>
    /// <param name="dy">[B, T, channels], without forward's residual.</param>
    /// <param name="dx">[B, T, channels]</param>
    /// <param name="residual">[B, T, channels] or none.</param>
    /// <param name="mask">As in forward.</param>
    /// <param name="dBias">[1, heads, T, T] or none: the gradient of the mask's bias is added to it.</param>
    public void Backward(Pass p, Tensor x, Tensor dy, Tensor dx, Tensor? residual = null, AttentionMask mask = default, Tensor? dBias = null)
    {
        Tensor logSumExp = p.Saved!.Pop(), attended = p.Saved.Pop(), v = p.Saved.Pop(), k = p.Saved.Pop(), q = p.Saved.Pop();
        using var scope = p.Scratch();
        output.Train(p, attended, dy);
        Tensor dAttended = output.Backward(p, dy), dq = p.New(q.Shape), dk = p.New(k.Shape), dv = p.New(v.Shape);
        p.Backend.AttentionBackward(q, k, v, attended, logSumExp, dAttended, dq, dk, dv, heads, scale, mask, dBias);
        query.Train(p, x, dq);
        key.Train(p, x, dk);
        value.Train(p, x, dv);
        query.Backward(p, dq, dx, residual);
        key.Backward(p, dk, dx, dx);
        value.Backward(p, dv, dx, dx);
    }
}
