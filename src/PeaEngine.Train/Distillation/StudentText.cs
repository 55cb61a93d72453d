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
    readonly bool[] drops;
    readonly bool dropsPooled;
    readonly int count, rows;
    readonly AdapterOutput output;

    /// <summary>Runs the adapter in a pass that collects its gradients.</summary>
    public StudentText(Pass p, DistillationBatch batch, int[] order, bool dropsPooled, UnconditionalText unconditional, PeaAdapter adapter)
    {
        (this.p, this.adapter, this.dropsPooled) = (p, adapter, dropsPooled);
        drops = Array.ConvertAll(order, i => batch.DropsText[i]);
        count = order.Length;
        rows = drops.Contains(true) ? count + 1 : count;
        int size = batch.StudentHidden.Length / count, tokens = batch.StudentMask.Length / count;
        var hidden = p.Keep([rows, tokens, size / tokens]);
        var mask = new byte[rows * tokens];
        for (var i = 0; i < rows; i++)
        {
            var isExtra = i == count;
            p.Backend.Upload(isExtra ? unconditional.StudentHidden : batch.StudentHidden.AsSpan(order[i] * size, size), hidden.Slice(i, 1));
            (isExtra ? unconditional.StudentMask : batch.StudentMask.AsSpan(order[i] * tokens, tokens)).CopyTo(mask.AsSpan(i * tokens));
        }
        output = adapter.Forward(p, hidden, mask);
        Sequence = Take(output.Sequence, all: true);
        Pooled = output.Pooled is { } pooled ? Take(pooled, dropsPooled) : null;
    }

    /// <summary>[B, T, features]</summary>
    public Tensor Sequence { get; }

    /// <summary>[B, P], where the adapter pools.</summary>
    public Tensor? Pooled { get; }

    /// <summary>Goes back through the adapter.</summary>
    public void Backward(Tensor dSequence, Tensor? dPooled)
    {
        using var scope = p.Scratch();
        adapter.Backward(p, Give(dSequence, output.Sequence.Shape, all: true), dPooled is { } pooled ? Give(pooled, output.Pooled!.Value.Shape, dropsPooled) : null);
    }

    /// <summary>A row for every sample, kept: its own, or the empty text's.</summary>
    Tensor Take(Tensor from, bool all)
    {
        if (rows == count) return from;
        var to = p.Keep(WithRows(from.Shape, count));
        for (var i = 0; i < count; i++) p.Backend.Copy(from.Slice(drops[i] && all ? count : i, 1), to.Slice(i, 1));
        return to;
    }

    /// <summary>The gradients of the adapter's rows from those of the samples.</summary>
    Tensor Give(Tensor from, Shape shape, bool all)
    {
        if (rows == count) return from;
        var to = p.New(shape);
        p.Backend.Clear(to);
        for (var i = 0; i < count; i++)
        {
            var row = to.Slice(drops[i] && all ? count : i, 1);
            p.Backend.Combine(row, new(1, row), new(1, from.Slice(i, 1)));
        }
        return to;
    }

    static Shape WithRows(Shape shape, int rows) => shape.Rank == 2 ? [rows, shape[1]] : [rows, shape[1], shape[2]];
}
