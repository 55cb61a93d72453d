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
        // Each sample's squared error towards the noise, towards the teacher and in each block; where there is none it stays 0.
        errors = p.Keep([Rows(inputs.Scales.Shape[0]), count], DType.F32);
        p.Backend.Clear(errors);
    }

    /// <summary>The weight of a term for samples with or without a teacher.</summary>
    /// <param name="options">The loss.</param>
    /// <param name="term">0 for the prediction's, else one more than the block.</param>
    /// <param name="isTaught">Whether there is a teacher.</param>
    /// <param name="statistics">Complete ones, where terms are divided by variances.</param>
    public static double Weight(DistillationOptions options, int term, bool isTaught, FeatureStatistics? statistics) =>
        term == 0 ? isTaught ? options.LogitsWeight : 1 : isTaught ? options.FeatureWeight / (statistics?.Variance(term - 1) ?? 1) : 0;

    /// <summary>Rows of errors for so many terms: the prediction's has two, one of samples without a teacher and one of those with.</summary>
    public static int Rows(int terms) => terms + 1;

    /// <summary><see cref="Weight"/> by row of errors.</summary>
    public static double WeightOfRow(DistillationOptions options, int row, FeatureStatistics? statistics) => Weight(options, Math.Max(0, row - 1), isTaught: row > 0, statistics);

    /// <summary>The gradient of the prediction [B, h, w, C]: towards the teacher's, and without one towards the noise.</summary>
    public Tensor Prediction(Tensor prediction, Tensor? target, Tensor noise)
    {
        var gradient = p.New(prediction.Shape);
        if (target is { } teacher) Term(0, 1, prediction, teacher, 0, taught, gradient);
        if (taught < count) Term(0, 0, prediction, noise.Slice(taught, count - taught), taught, count - taught, gradient);
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
            Term(gradients.Count + 1, gradients.Count + 2, actual, expected, 0, taught, gradient);
            gradients.Add(new(name, gradient));
        }
        return UNetFeatures.Of(gradients);
    }

    /// <summary>Adds what the terms come to to a step's losses, as <see cref="DistillationLoss"/> has them: [3] F64.</summary>
    public void AddTo(Tensor losses) => p.Backend.SumErrors(errors, inputs.Weights, inputs.TermWeights, losses);

    void Term(int term, int row, Tensor actual, Tensor expected, int first, int samples, Tensor gradient)
    {
        Tensor Part(Tensor rows, int index) => rows.Slice(index, 1).Reshape([count]).Slice(first, samples);
        p.Backend.SquaredError(actual.Slice(first, samples), expected, Part(errors, row));
        p.Backend.SquaredErrorBackward(actual.Slice(first, samples), expected, Part(inputs.Scales, term), gradient.Slice(first, samples), add: false);
    }
}
