using PeaEngine.Diffusion.UNet;
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
    public void Add(Pass p, UNetFeatures teacher)
    {
        for (var i = 0; i < blocks; i++) Add(p, teacher.Blocks[i].Value, sums.AsSpan(3 * i, 3));
    }

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

    static void Add(Pass p, Tensor x, Span<double> to)
    {
        using var scope = p.Scratch();
        Tensor squares = p.New([1], DType.F32), sums = p.New([1, x.Shape[-1]], DType.F32);
        p.Backend.SumSquares(p.Cast(x, DType.F32), squares);
        p.Backend.Clear(sums);
        p.Backend.SumTokens(x.Reshape([1, x.Shape.Rows, x.Shape[-1]]), sums);
        float[] square = new float[1], sum = new float[x.Shape[-1]];
        p.Backend.Download(squares, square);
        p.Backend.Download(sums, sum);
        to[0] += x.Elements;
        to[1] += sum.Sum(value => (double)value);
        to[2] += square[0];
    }
}
