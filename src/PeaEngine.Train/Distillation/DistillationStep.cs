using System.Runtime.InteropServices;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Distillation;

/// <summary>A step over the samples of one pass: what is uploaded, the two runs of the UNet, the losses and the way back.</summary>
sealed class DistillationStep
{
    readonly Pass p;
    readonly DistillationBatch batch;
    readonly SampleWeights weights;
    readonly DistillationOptions options;
    readonly IReadOnlyList<float> alphasCumprod;
    readonly int count, taught;

    /// <summary>A step in a pass, whose memory it uses.</summary>
    public DistillationStep(Pass p, DistillationBatch batch, SampleWeights weights, DistillationOptions options, IReadOnlyList<float> alphasCumprod)
    {
        (this.p, this.batch, this.weights, this.options, this.alphasCumprod) = (p, batch, weights, options, alphasCumprod);
        (count, taught) = (batch.Count, weights.Taught);
    }

    /// <summary>Adds the gradients of what is trained and gives the loss.</summary>
    /// <param name="unet">Teacher and student.</param>
    /// <param name="target">What is trained.</param>
    /// <param name="unconditional">What stands for dropped text.</param>
    /// <param name="statistics">Of the teacher's blocks, where their terms are divided by variances; this pass completes them if no other did.</param>
    public DistillationLoss Run(UNet2DConditionModel unet, TrainingTarget target, UnconditionalText unconditional, FeatureStatistics? statistics)
    {
        Pass student = p.Saving(target.Gradients, options.Recomputes), training = target.TrainsAdapter ? p.Saving(target.Gradients) : p;
        var (losses, text, c, dPrediction, dFeatures) = Forward(student, training, unet, target, unconditional, statistics);
        unet.Backward(student, c, dPrediction, dFeatures);
        Tensor dSequence = p.New(text.Sequence.Shape);
        Tensor? dPooled = text.Pooled is { } pooled ? p.New(pooled.Shape) : null;
        unet.ConditionBackward(student, c, text.Sequence, dSequence, dPooled);
        if (target.TrainsAdapter) text.Backward(dSequence, dPooled);
        return losses.Total();
    }

    /// <summary>Gives the loss alone.</summary>
    /// <inheritdoc cref="Run"/>
    public DistillationLoss Evaluate(UNet2DConditionModel unet, TrainingTarget target, UnconditionalText unconditional, FeatureStatistics? statistics) =>
        Forward(p, p, unet, target, unconditional, statistics).Losses.Total();

    /// <summary>The teacher and the student, the one in a pass that leaves nothing.</summary>
    (LossTerms Losses, StudentText Text, UNetConditioning Conditioning, Tensor DPrediction, UNetFeatures? DFeatures) Forward(
        Pass student, Pass training, UNet2DConditionModel unet, TrainingTarget target, UnconditionalText unconditional, FeatureStatistics? statistics)
    {
        var (noise, noisy, timesteps, timeIds) = Inputs();

        UNetFeatures teacherFeatures = new(), studentFeatures = new();
        var withFeatures = options.FeatureWeight > 0 && taught > 0;
        target.BeforeTeacher();
        Tensor? taughtPrediction = taught == 0 ? null : Teach(unet, noisy, timesteps, timeIds, unconditional, withFeatures ? teacherFeatures : null);
        if (statistics is { IsComplete: false })
        {
            if (withFeatures) statistics.Add(p, teacherFeatures);
            statistics.Complete();
        }

        target.BeforeStudent();
        var text = new StudentText(training, batch, weights.Order, options.DropsPooled, unconditional, target.Adapter);
        var c = unet.Condition(student, text.Sequence, text.Pooled, timeIds);
        var prediction = unet.Forward(student, noisy, timesteps, c, withFeatures ? studentFeatures : null);

        var losses = new LossTerms(p, weights, options);
        var dPrediction = losses.Prediction(prediction, taughtPrediction, noise);
        return (losses, text, c, dPrediction, withFeatures ? losses.Features(teacherFeatures, studentFeatures, statistics) : null);
    }

    /// <summary>Runs the teacher alone, for the statistics of its blocks.</summary>
    public void Survey(UNet2DConditionModel unet, TrainingTarget target, UnconditionalText unconditional, FeatureStatistics statistics)
    {
        if (taught == 0) return;
        var (_, noisy, timesteps, timeIds) = Inputs();
        var features = new UNetFeatures();
        target.BeforeTeacher();
        Teach(unet, noisy, timesteps, timeIds, unconditional, features);
        statistics.Add(p, features);
    }

    /// <summary>What is uploaded, in the order of computation.</summary>
    (Tensor Noise, Tensor Noisy, Tensor Timesteps, Tensor? TimeIds) Inputs()
    {
        Shape image = [count, batch.LatentShape[2], batch.LatentShape[3], batch.LatentShape[1]];
        Tensor noise = p.Keep(image), noisy = p.Keep(image), timesteps = p.Keep([count], DType.F32);
        Mix(noise, noisy, timesteps);
        return (noise, noisy, timesteps, Rows(batch.TimeIds));
    }

    /// <summary>The noisy latents, x_t = √ᾱ·x + √(1 − ᾱ)·ε, and the noise, both [B, h, w, C] in the order of computation, and the timesteps.</summary>
    void Mix(Tensor noise, Tensor noisy, Tensor timesteps)
    {
        using var scope = p.Scratch();
        var size = batch.Latents.Length / count;
        Shape one = [1, batch.LatentShape[1], batch.LatentShape[2], batch.LatentShape[3]];
        Tensor latents = p.New(one), drawn = p.New(one), positions = p.New([count], DType.U64);
        Span<float> timestep = stackalloc float[1];
        for (var i = 0; i < count; i++)
        {
            var from = weights.Order[i];
            double alpha = alphasCumprod[batch.Timesteps[from]];
            p.Backend.Upload(batch.Latents.AsSpan(from * size, size), latents);
            if (batch.Draw is { } draw)
            {
                p.Backend.Upload(MemoryMarshal.AsBytes(draw.Positions.AsSpan(from, 1)), positions.Slice(i, 1));
                p.Backend.Normals(draw.Seed, (uint)draw.Stream, positions.Slice(i, 1), drawn);
            }
            else
            {
                p.Backend.Upload(batch.Noise.AsSpan(from * size, size), drawn);
            }
            p.Backend.ToChannelsLast(drawn, noise.Slice(i, 1));
            p.Backend.Combine(drawn, new((float)Math.Sqrt(alpha), latents), new((float)Math.Sqrt(1 - alpha), drawn));
            p.Backend.ToChannelsLast(drawn, noisy.Slice(i, 1));
            timestep[0] = batch.Timesteps[from];
            p.Backend.Upload(timestep, timesteps.Slice(i, 1));
        }
    }

    /// <summary>The teacher's prediction for the samples that have one, [taught, h, w, C].</summary>
    Tensor Teach(UNet2DConditionModel unet, Tensor noisy, Tensor timesteps, Tensor? timeIds, UnconditionalText unconditional, UNetFeatures? features)
    {
        var prediction = p.Keep([taught, noisy.Shape[1], noisy.Shape[2], unet.Config.OutChannels]);
        using var scope = p.Scratch();
        var length = batch.TeacherSequence.Length / count;
        var sequence = p.New([taught, length]);
        Tensor? pooled = batch.TeacherPooled is { } values ? p.New([taught, values.Length / count]) : null;
        for (var i = 0; i < taught; i++)
        {
            var from = weights.Order[i];
            var drops = batch.DropsText[from];
            p.Backend.Upload(drops ? unconditional.TeacherSequence : batch.TeacherSequence.AsSpan(from * length, length), sequence.Slice(i, 1));
            if (pooled is not { } tensor) continue;
            var replaces = drops && options.DropsPooled && unconditional.TeacherPooled != null;
            p.Backend.Upload(replaces ? unconditional.TeacherPooled : batch.TeacherPooled.AsSpan(from * tensor.Shape[1], tensor.Shape[1]), tensor.Slice(i, 1));
        }
        var channels = unet.Config.CrossAttentionDim[0];
        var c = unet.Condition(p, sequence.Reshape([taught, length / channels, channels]), pooled, timeIds?.Slice(0, taught));
        p.Backend.Copy(unet.Forward(p, noisy.Slice(0, taught), timesteps.Slice(0, taught), c, features), prediction);
        return prediction;
    }

    /// <summary>Host rows in the order of computation, kept.</summary>
    Tensor? Rows(float[]? rows)
    {
        if (rows == null) return null;
        var width = rows.Length / count;
        var tensor = p.Keep([count, width], DType.F32);
        for (var i = 0; i < count; i++) p.Backend.Upload(rows.AsSpan(weights.Order[i] * width, width), tensor.Slice(i, 1));
        return tensor;
    }
}
