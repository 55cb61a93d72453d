using PeaEngine.Train.Data;
using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Distillation;

/// <summary>
/// How much the teacher's embeddings differ from caption to caption: the mean over positions and channels of their variance over captions. It is
/// the squared error of giving every caption the mean embedding.
/// </summary>
/// <param name="Sequence">Of the sequence.</param>
/// <param name="Pooled">Of the pooled embedding; 0 where there is none.</param>
public readonly record struct TextVariance(double Sequence, double Pooled);

/// <summary>What a warm start has to know of its captions beforehand.</summary>
/// <param name="shape">The sizes of the batches.</param>
sealed class TextStatistics(BatchShape shape)
{
    /// <summary>The adapter's norm's.</summary>
    const double Epsilon = 1e-5;

    readonly Moments sequence = new(shape.TeacherTokens * shape.TeacherChannels), pooled = new(shape.PooledChannels), normalized = new(shape.StudentChannels);
    readonly float[] row = new float[shape.StudentChannels];

    /// <summary>Captions so far.</summary>
    public long Count => sequence.Count;

    /// <summary>Of the teacher's embeddings.</summary>
    public TextVariance Variance => new(sequence.MeanVariance, pooled.MeanVariance);

    /// <summary>Takes a batch's captions in.</summary>
    public void Add(TextBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            sequence.Add(batch.Row(batch.TeacherSequence, i));
            pooled.Add(batch.Row(batch.TeacherPooled, i));
        }
        for (var i = 0; i < batch.StudentHidden.Length; i += row.Length)
        {
            Normalize(batch.StudentHidden.AsSpan(i, row.Length));
            normalized.Add(row);
        }
    }

    /// <summary>Takes in what the other processes have.</summary>
    public void Sum(ProcessGroup processes)
    {
        foreach (var moments in (Moments[])[sequence, pooled, normalized]) moments.Sum(processes);
    }

    /// <summary>
    /// The weight and bias of a norm whose outputs have mean 0 and variance 1 over all positions of all captions. A student's states are alike for the
    /// most part; with torch's 1 and 0 the regression spends most of its steps on finding what differs.
    /// </summary>
    public (float[] Weight, float[] Bias) Norm()
    {
        var (weight, bias) = (new float[row.Length], new float[row.Length]);
        for (var i = 0; i < row.Length; i++)
        {
            var scale = 1 / Math.Sqrt(normalized.Variance(i) + Epsilon);
            (weight[i], bias[i]) = ((float)scale, (float)(-normalized.Mean(i) * scale));
        }
        return (weight, bias);
    }

    /// <summary>What a norm without weight and bias makes of a position's states, in <see cref="row"/>.</summary>
    void Normalize(ReadOnlySpan<float> states)
    {
        double mean = 0, square = 0;
        foreach (var value in states) mean += value;
        mean /= states.Length;
        foreach (var value in states) square += (value - mean) * (value - mean);
        var scale = 1 / Math.Sqrt(square / states.Length + Epsilon);
        for (var i = 0; i < row.Length; i++) row[i] = (float)((states[i] - mean) * scale);
    }
}
