using PeaEngine.Diffusion.Adapters;

namespace PeaEngine.Train.Distillation;

/// <summary>
/// What the adapter makes of a batch's texts, with the empty text's in the place of dropped ones, and the way back. The empty text goes through
/// the adapter once, as one more row, whose gradient is the sum over the samples that took it.
/// </summary>
sealed class StudentText
{
    readonly Pass p;
    readonly PeaAdapter adapter;
    readonly DistillationInputs inputs;
    readonly bool dropsPooled;
    readonly AdapterOutput output;

    /// <summary>Runs the adapter in a pass that collects its gradients.</summary>
    public StudentText(Pass p, DistillationInputs inputs, bool dropsPooled, PeaAdapter adapter)
    {
        (this.p, this.inputs, this.adapter, this.dropsPooled) = (p, inputs, adapter, dropsPooled);
        output = adapter.Forward(p, inputs.Hidden, inputs.Mask);
        Sequence = Take(output.Sequence, inputs.Tokens);
        Pooled = output.Pooled is { } pooled ? dropsPooled ? Take(pooled, inputs.Texts) : pooled.Slice(0, inputs.Timesteps.Shape[0]) : null;
    }

    /// <summary>[B, T, features]</summary>
    public Tensor Sequence { get; }

    /// <summary>[B, P], where the adapter pools.</summary>
    public Tensor? Pooled { get; }

    /// <summary>Goes back through the adapter.</summary>
    public void Backward(Tensor dSequence, Tensor? dPooled)
    {
        using var scope = p.Scratch();
        adapter.Backward(p, Give(dSequence, output.Sequence.Shape, inputs.Tokens), dPooled is { } pooled ? Give(pooled, output.Pooled!.Value.Shape, dropsPooled ? inputs.Texts : null) : null);
    }

    /// <summary>The adapter's rows that the samples have, kept.</summary>
    /// <param name="from">[rows, .., features]</param>
    /// <param name="ids">[B, ..] which of them; none where each has its own.</param>
    Tensor Take(Tensor from, Tensor? ids)
    {
        if (ids is not { } chosen) return from;
        var features = from.Shape[-1];
        var to = p.Keep([chosen.Shape[0], chosen.Shape[1], features]);
        p.Backend.Embedding(chosen, from.Reshape([from.Shape.Rows, features]), null, to);
        return from.Shape.Rank == 2 ? to.Reshape([chosen.Shape[0], features]) : to;
    }

    /// <summary>The gradients of the adapter's rows from those of the samples.</summary>
    Tensor Give(Tensor from, Shape shape, Tensor? ids)
    {
        if (from.Shape[0] == shape[0]) return from;
        if (ids is not { } chosen)
        {
            var own = p.New(shape);
            p.Backend.Clear(own);
            p.Backend.Copy(from, own.Slice(0, from.Shape[0]));
            return own;
        }
        var sums = p.New([shape.Rows, shape[-1]], DType.F32);
        p.Backend.Clear(sums);
        p.Backend.EmbeddingBackward(chosen, from.Reshape([chosen.Shape[0], chosen.Shape[1], shape[-1]]), sums);
        return p.Cast(sums, from.DType).Reshape(shape);
    }
}
