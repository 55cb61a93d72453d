using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Distillation;

/// <summary>Mean and variance of vectors, element by element.</summary>
/// <param name="elements">Of a vector.</param>
sealed class Moments(int elements)
{
    readonly double[] sums = new double[elements], squares = new double[elements];

    /// <summary>Vectors so far.</summary>
    public long Count { get; private set; }

    /// <summary>The mean over elements of their variances; 0 where there are no elements.</summary>
    public double MeanVariance => elements == 0 ? 0 : Enumerable.Range(0, elements).Average(Variance);

    /// <summary>Takes a vector in.</summary>
    public void Add(ReadOnlySpan<float> vector)
    {
        for (var i = 0; i < vector.Length; i++)
        {
            sums[i] += vector[i];
            squares[i] += (double)vector[i] * vector[i];
        }
        Count++;
    }

    /// <summary>Takes in the vectors of the other processes.</summary>
    public void Sum(ProcessGroup processes)
    {
        Span<double> count = [Count];
        processes.Sum(count);
        processes.Sum(sums.AsSpan());
        processes.Sum(squares.AsSpan());
        Count = (long)count[0];
    }

    /// <summary>The mean of an element.</summary>
    public double Mean(int element) => sums[element] / Count;

    /// <summary>The variance of an element, dividing by the count.</summary>
    public double Variance(int element) => Math.Max(squares[element] / Count - Mean(element) * Mean(element), 0);
}
