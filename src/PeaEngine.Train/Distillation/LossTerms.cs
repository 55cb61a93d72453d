using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Train.Distillation;

/// <summary>The terms of a pass's loss with their gradients. Samples with a teacher come first.</summary>
sealed class LossTerms
{
    readonly Pass p;
    readonly SampleWeights weights;
    readonly DistillationOptions options;
    readonly int count, taught;
    readonly Tensor logits, diffusion, scale;
    readonly List<(Tensor PerSample, double Weight)> blocks = [];

    /// <summary>Terms in a pass, whose memory they use.</summary>
    public LossTerms(Pass p, SampleWeights weights, DistillationOptions options)
    {
        (this.p, this.weights, this.options) = (p, weights, options);
        (count, taught) = (weights.Order.Length, weights.Taught);
        (logits, diffusion, scale) = (p.Keep([Math.Max(taught, 1)], DType.F32), p.Keep([Math.Max(count - taught, 1)], DType.F32), p.Keep([count], DType.F32));
    }

    /// <summary>The gradient of the prediction [B, h, w, C]: towards the teacher's, and without one towards the noise.</summary>
    public Tensor Prediction(Tensor prediction, Tensor? target, Tensor noise)
    {
        var gradient = p.New(prediction.Shape);
        if (target is { } teacher) Term(prediction.Slice(0, taught), teacher, logits, 0, taught, options.LogitsWeight, gradient.Slice(0, taught));
        if (taught < count)
            Term(prediction.Slice(taught, count - taught), noise.Slice(taught, count - taught), diffusion, taught, count - taught, 1, gradient.Slice(taught, count - taught));
        return gradient;
    }

    /// <summary>The gradients of the blocks' outputs.</summary>
    /// <param name="teacher">The teacher's.</param>
    /// <param name="student">The student's.</param>
    /// <param name="statistics">Complete ones, where terms are divided by variances.</param>
    public UNetFeatures Features(UNetFeatures teacher, UNetFeatures student, FeatureStatistics? statistics)
    {
        var gradients = new List<KeyValuePair<string, Tensor>>();
        foreach (var ((name, expected), (_, actual)) in teacher.Blocks.Zip(student.Blocks))
        {
            var gradient = p.New(actual.Shape);
            p.Backend.Clear(gradient);
            var weight = options.FeatureWeight / (statistics?.Variance(blocks.Count) ?? 1);
            var perSample = p.Keep([taught], DType.F32);
            Term(actual.Slice(0, taught), expected, perSample, 0, taught, weight, gradient.Slice(0, taught));
            blocks.Add((perSample, weight));
            gradients.Add(new(name, gradient));
        }
        return UNetFeatures.Of(gradients);
    }

    /// <summary>What the terms add up to.</summary>
    public DistillationLoss Total() => new(
        taught < count ? Sum(diffusion, taught, count - taught) : 0,
        taught > 0 ? options.LogitsWeight * Sum(logits, 0, taught) : 0,
        blocks.Sum(block => block.Weight * Sum(block.PerSample, 0, taught)));

    void Term(Tensor actual, Tensor expected, Tensor perSample, int first, int samples, double weight, Tensor gradient)
    {
        p.Backend.SquaredError(actual, expected, perSample);
        Span<float> scales = stackalloc float[1];
        for (var i = 0; i < samples; i++)
        {
            scales[0] = (float)(weight * weights.Values[first + i]);
            p.Backend.Upload(scales, scale.Slice(first + i, 1));
        }
        p.Backend.SquaredErrorBackward(actual, expected, scale.Slice(first, samples), gradient, add: false);
    }

    double Sum(Tensor perSample, int first, int samples)
    {
        var values = new float[samples];
        p.Backend.Download(perSample.Slice(0, samples), values);
        double sum = 0;
        for (var i = 0; i < samples; i++) sum += weights.Values[first + i] * values[i];
        return sum;
    }
}
