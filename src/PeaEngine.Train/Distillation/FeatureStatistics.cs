using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Distillation;

/// <summary>The variance of each of the teacher's blocks' outputs, of all elements together, over all samples of a step that have a teacher: of every process and pass.</summary>
/// <param name="blocks">How many blocks there are.</param>
/// <param name="processes">All of which add their own samples.</param>
sealed class FeatureStatistics(int blocks, ProcessGroup processes)
{
    /// <summary>Of each block: how many elements, their sum, the sum of their squares.</summary>
    readonly double[] sums = new double[3 * blocks];

    /// <summary>Whether nothing is added any more.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Adds the samples of a pass.</summary>
    public void Add(FeatureMoments pass) => pass.AddTo(sums);

    /// <summary>Takes what the other processes added.</summary>
    /// <exception cref="AgreedCancellationException">One of them was cancelled.</exception>
    public void Complete()
    {
        processes.Agree();
        processes.Sum(sums);
        IsComplete = true;
    }

    /// <summary>A block's variance, above zero.</summary>
    public double Variance(int block)
    {
        var (elements, sum, squares) = (sums[3 * block], sums[3 * block + 1], sums[3 * block + 2]);
        var mean = sum / elements;
        // Measuring, where nothing is computed, everything is zero.
        return Math.Max(squares / elements - mean * mean, double.Epsilon);
    }
}
