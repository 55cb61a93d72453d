using PeaEngine.Diffusion.Adapters;
using PeaEngine.Train.Data;

namespace PeaEngine.Train.Distillation;

/// <summary>The parts of a warm start's loss. Each is 1 for an adapter that gives every caption the teacher's mean embedding.</summary>
/// <param name="Sequence">Of the sequence, position by position.</param>
/// <param name="Pooled">Of the pooled embedding.</param>
public readonly record struct TextLoss(double Sequence, double Pooled)
{
    /// <summary>The sum.</summary>
    public double Total => Sequence + Pooled;
}

/// <summary>
/// The text-only start: the adapter is regressed on the teacher's own embeddings of the English captions, the sequence position by position and the pooled
/// one, each squared error divided by the variance of what it is an error of. No UNet takes part; distillation goes on from there.
/// </summary>
/// <param name="backend">Where the adapter is.</param>
/// <param name="adapter">What is trained, its weights F32; it stays the caller's.</param>
/// <param name="gradients">Of its parameters.</param>
public sealed class TextRegression(Backend backend, PeaAdapter adapter, Gradients gradients) : IDisposable
{
    Arena? arena;
    int measured;

    /// <summary>Adds a batch's gradients to the adapter's and gives the loss, a mean over samples.</summary>
    /// <param name="batch">Captions; the student's positions are as many as the teacher's.</param>
    /// <param name="variance">What the errors are divided by.</param>
    /// <param name="samples">How many the mean is over: those of all processes, whose losses and gradients add up; null for the batch's.</param>
    /// <param name="lossScale">What the gradients are multiplied by, so that none is too small for activations of 16 bits.</param>
    /// <param name="cancellation">Ends it; the gradients are then of no use.</param>
    public TextLoss Accumulate(TextBatch batch, TextVariance variance, int? samples = null, double lossScale = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (measured < batch.Count)
        {
            arena?.Dispose();
            arena = new(backend, MeasuredArena.Measure(backend, p => Run(p, batch, variance, samples ?? batch.Count, lossScale)));
            measured = batch.Count;
        }
        var pass = new Pass(backend, arena!, cancellation);
        var kept = arena!.KeptBytes;
        using var scope = pass.Scratch();
        try
        {
            return Run(pass, batch, variance, samples ?? batch.Count, lossScale);
        }
        finally
        {
            arena.ReleaseKept(kept);
        }
    }

    /// <summary>The most bytes that a step has had in use at once, beside the weights.</summary>
    public long PeakBytes => arena?.PeakBytes ?? 0;

    /// <summary>Frees the memory of its steps.</summary>
    public void Dispose() => arena?.Dispose();

    TextLoss Run(Pass pass, TextBatch batch, TextVariance variance, int samples, double lossScale)
    {
        var p = pass.Saving(gradients);
        var hidden = p.Keep([batch.Count, batch.StudentMask.Length / batch.Count, adapter.InFeatures]);
        p.Backend.Upload(batch.StudentHidden, hidden);
        var output = adapter.Forward(p, hidden, batch.StudentMask);
        var (sequence, dSequence) = Error(p, output.Sequence, batch.TeacherSequence, variance.Sequence, samples, lossScale);
        if (output.Pooled is not { } actual)
        {
            adapter.Backward(p, dSequence);
            return new(sequence, 0);
        }
        var (pooled, dPooled) = Error(p, actual, batch.TeacherPooled, variance.Pooled, samples, lossScale);
        adapter.Backward(p, dSequence, dPooled);
        return new(sequence, pooled);
    }

    /// <summary>The batch's part in the mean over so many samples of the squared error over the variance, and its gradient.</summary>
    static (double Loss, Tensor Gradient) Error(Pass p, Tensor actual, float[] target, double variance, int samples, double lossScale)
    {
        var count = actual.Shape[0];
        Tensor expected = p.New(actual.Shape), gradient = p.New(actual.Shape), perSample = p.New([count], DType.F32);
        p.Backend.Upload(target, expected);
        p.Backend.SquaredError(actual, expected, perSample);
        var values = new float[count];
        p.Backend.Download(perSample, values);
        var loss = values.Sum(value => (double)value) / samples / variance;
        // The errors have been read: their place takes the weights of the samples.
        Array.Fill(values, (float)(lossScale / variance / samples));
        p.Backend.Upload(values, perSample);
        p.Backend.SquaredErrorBackward(actual, expected, perSample, gradient, add: false);
        return (loss, gradient);
    }
}
