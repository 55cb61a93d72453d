using PeaEngine.Diffusion.Adapters;

namespace PeaEngine.Train.Distillation;

/// <summary>What one step of the warm start is given, on the host.</summary>
/// <param name="StudentHidden">The student's last hidden states, [B, T, channels].</param>
/// <param name="StudentMask">[B, T]: 0 for padding.</param>
/// <param name="TeacherSequence">The teacher's embeddings of the English captions, [B, T, features]: as many positions as the student's.</param>
/// <param name="TeacherPooled">[B, P], where the adapter pools.</param>
public sealed record TextBatch(float[] StudentHidden, byte[] StudentMask, float[] TeacherSequence, float[]? TeacherPooled);

/// <summary>
/// The warm start: the adapter is regressed on the teacher's own embeddings of the English captions, pooled and position by position, each
/// divided by its variance, without the UNet. Distillation goes on from there.
/// </summary>
/// <param name="backend">Where the adapter is.</param>
/// <param name="adapter">What is trained, its weights F32; it stays the caller's.</param>
/// <param name="gradients">Of its parameters.</param>
/// <param name="sequenceVariance">Of the teacher's sequences over the data.</param>
/// <param name="pooledVariance">Of the teacher's pooled embeddings over the data.</param>
public sealed class TextRegression(Backend backend, PeaAdapter adapter, Gradients gradients, double sequenceVariance, double pooledVariance)
{
    /// <summary>Adds a batch's gradients to the adapter's and gives the loss: the mean over the batch, 1 for an adapter that gives the mean embedding.</summary>
    /// <exception cref="PeaException">The student's positions are not as many as the teacher's.</exception>
    public double Accumulate(TextBatch batch, int count, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var tokens = batch.StudentMask.Length / count;
        if (batch.TeacherSequence.Length != count * tokens * adapter.SequenceFeatures)
            throw new PeaException($"warm start: the student has {tokens} positions, expected the teacher's {batch.TeacherSequence.Length / count / adapter.SequenceFeatures}");
        double loss = 0;
        MeasuredArena.Run(backend, pass =>
        {
            var p = pass.Saving(gradients);
            var hidden = p.Keep([count, tokens, adapter.InFeatures]);
            p.Backend.Upload(batch.StudentHidden, hidden);
            var output = adapter.Forward(p, hidden, batch.StudentMask);
            loss = 0;
            var dSequence = Term(p, output.Sequence, batch.TeacherSequence, sequenceVariance, count, ref loss);
            Tensor? dPooled = output.Pooled is { } pooled ? Term(p, pooled, batch.TeacherPooled!, pooledVariance, count, ref loss) : null;
            adapter.Backward(p, dSequence, dPooled);
        }, cancellation);
        return loss;
    }

    static Tensor Term(Pass p, Tensor actual, float[] target, double variance, int count, ref double loss)
    {
        Tensor expected = p.New(actual.Shape), gradient = p.New(actual.Shape), perSample = p.New([count]), scale = p.New([count]);
        p.Backend.Upload(target, expected);
        p.Backend.SquaredError(actual, expected, perSample);
        var values = new float[count];
        p.Backend.Download(perSample, values);
        loss += values.Sum(value => (double)value) / count / variance;
        Array.Fill(values, (float)(1 / variance / count));
        p.Backend.Upload(values, scale);
        p.Backend.SquaredErrorBackward(actual, expected, scale, gradient, add: false);
        return gradient;
    }
}
