namespace PeaEngine.Train.Distillation;

/// <summary>
/// The samples of a pass in the order in which they are computed, those with a teacher first, and what each one's terms are multiplied by.
/// </summary>
sealed class SampleWeights
{
    /// <summary>Orders and weighs a pass.</summary>
    /// <param name="batch">Its samples.</param>
    /// <param name="whole">What the means of the terms are over.</param>
    /// <param name="options">The loss.</param>
    /// <param name="alphasCumprod">ᾱ of every training timestep.</param>
    public SampleWeights(DistillationBatch batch, GroupCounts whole, DistillationOptions options, IReadOnlyList<float> alphasCumprod)
    {
        bool IsTaught(int i) => options.IsTaught(batch, i);
        int[] all = [.. Enumerable.Range(0, batch.Count)];
        Order = [.. all.Where(IsTaught), .. all.Where(i => !IsTaught(i))];
        Taught = all.Count(IsTaught);
        Values = Array.ConvertAll(Order, i =>
        {
            var group = !options.NormalizesGroups ? whole.Count : IsTaught(i) ? whole.Taught : whole.Count - whole.Taught;
            return IsTaught(i) || options.LearnsFromNoise ? Snr(alphasCumprod[batch.Timesteps[i]], options.MinSnrGamma) / group : 0;
        });
    }

    /// <summary>Place in the computation to place in the batch.</summary>
    public int[] Order { get; }

    /// <summary>How many there are with a teacher.</summary>
    public int Taught { get; }

    /// <summary>By place in the computation.</summary>
    public double[] Values { get; }

    static double Snr(double alpha, double? gamma)
    {
        var snr = alpha / (1 - alpha);
        return gamma is { } most ? Math.Min(snr, most) / snr : 1;
    }
}
