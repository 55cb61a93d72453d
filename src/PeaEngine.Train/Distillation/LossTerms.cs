using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Train.Distillation;

/// <summary>The terms of a pass's loss with their gradients. Samples with a teacher come first.</summary>
sealed class LossTerms
{
    readonly Pass p;
    readonly DistillationInputs inputs;
    readonly int count, taught;
    readonly Tensor errors;

    /// <summary>Terms in a pass, whose memory they use.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="inputs">What the gradients are multiplied by.</param>
    /// <param name="taught">Samples with a teacher.</param>
    public LossTerms(Pass p, DistillationInputs inputs, int taught)
    {
        (this.p, this.inputs, this.taught, count) = (p, inputs, taught, inputs.Scales.Shape[1]);
        // Each sample's squared error in each term; the blocks' of samples without a teacher stay 0.
        errors = p.Keep(inputs.Scales.Shape, DType.F32);
        p.Backend.Clear(errors);
    }

    /// <summary>The weight of a term for samples with or without a teacher.</summary>
    /// <param name="options">The loss.</param>
    /// <param name="term">0 for the prediction's, else one more than the block.</param>
    /// <param name="isTaught">Whether there is a teacher.</param>
    /// <param name="statistics">Complete ones, where terms are divided by variances.</param>
    public static double Weight(DistillationOptions options, int term, bool isTaught, FeatureStatistics? statistics) =>
        term == 0 ? isTaught ? options.LogitsWeight : 1 : isTaught ? options.FeatureWeight / (statistics?.Variance(term - 1) ?? 1) : 0;

    /// <summary>The gradient of the prediction [B, h, w, C]: towards the teacher's, and without one towards the noise.</summary>
    public Tensor Prediction(Tensor prediction, Tensor? target, Tensor noise)
    {
        var gradient = p.New(prediction.Shape);
        if (target is { } teacher) Term(0, prediction, teacher, 0, taught, gradient);
        if (taught < count) Term(0, prediction, noise.Slice(taught, count - taught), taught, count - taught, gradient);
        return gradient;
    }

    /// <summary>The gradients of the blocks' outputs.</summary>
    /// <param name="teacher">The teacher's.</param>
    /// <param name="student">The student's.</param>
    public UNetFeatures Features(UNetFeatures teacher, UNetFeatures student)
    {
        var gradients = new List<KeyValuePair<string, Tensor>>();
        foreach (var ((name, expected), (_, actual)) in teacher.Blocks.Zip(student.Blocks))
        {
            var gradient = p.New(actual.Shape);
            if (taught < count) p.Backend.Clear(gradient.Slice(taught, count - taught));
            Term(gradients.Count + 1, actual, expected, 0, taught, gradient);
            gradients.Add(new(name, gradient));
        }
        return UNetFeatures.Of(gradients);
    }

    /// <summary>What the terms add up to.</summary>
    /// <param name="options">The loss.</param>
    /// <param name="weights">Of the samples.</param>
    /// <param name="statistics">As for <see cref="Weight"/>.</param>
    public DistillationLoss Total(DistillationOptions options, SampleWeights weights, FeatureStatistics? statistics)
    {
        var values = new float[errors.Elements];
        p.Backend.Download(errors, values);
        double features = 0;
        for (var term = 1; term < errors.Shape[0]; term++) features += Sum(term, 0, taught);
        return new(Sum(0, taught, count), Sum(0, 0, taught), features);

        double Sum(int term, int from, int to)
        {
            double sum = 0;
            for (var i = from; i < to; i++) sum += weights.Values[i] * values[term * count + i];
            return from == to ? 0 : Weight(options, term, from < taught, statistics) * sum;
        }
    }

    void Term(int term, Tensor actual, Tensor expected, int first, int samples, Tensor gradient)
    {
        Tensor Row(Tensor terms) => terms.Slice(term, 1).Reshape([count]).Slice(first, samples);
        p.Backend.SquaredError(actual.Slice(first, samples), expected, Row(errors));
        p.Backend.SquaredErrorBackward(actual.Slice(first, samples), expected, Row(inputs.Scales), gradient.Slice(first, samples), add: false);
    }
}
