using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Distillation;

namespace PeaEngine.Tests.Train;

/// <summary>The loss of distillation by its formula, in double: sample by sample, teacher and student each in a pass of its own.</summary>
sealed class DistillationOracle(Backend backend, UNet2DConditionModel unet, PeaAdapter adapter, IReadOnlyList<float> alphasCumprod)
{
    /// <summary>z·MSE(ε_S, ε) + (1−z)·[λ_L·MSE(ε_S, ε_T) + λ_F·Σ MSE(f_S, f_T)] as the options change it, and the mean over the batch.</summary>
    public DistillationLoss Loss(DistillationBatch batch, UnconditionalText none, DistillationOptions options)
    {
        var taught = Enumerable.Range(0, batch.Count).Where(i => options.Distills && !batch.IsCultural[i]).ToHashSet();
        var students = Enumerable.Range(0, batch.Count).Select(i => Student(batch, none, i, options.DropsPooled)).ToArray();
        var teachers = taught.ToDictionary(i => i, i => Teacher(batch, none, i, options.DropsPooled));
        double[] variances = [.. Enumerable.Range(0, students[0].Length).Select(block => Variance([.. teachers.Values.SelectMany(outputs => outputs[block])]))];
        double diffusion = 0, logits = 0, features = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            double alpha = alphasCumprod[batch.Timesteps[i]], snr = alpha / (1 - alpha);
            var weight = options.MinSnrGamma is { } gamma ? Math.Min(snr, gamma) / snr : 1;
            weight /= !options.NormalizesGroups ? batch.Count : taught.Contains(i) ? taught.Count : batch.Count - taught.Count;
            if (!taught.Contains(i))
            {
                if (options.LearnsFromNoise) diffusion += weight * Mse(students[i][0], ChannelsLast(batch, Row(batch.Noise, batch, i)));
                continue;
            }
            logits += weight * options.LogitsWeight * Mse(students[i][0], teachers[i][0]);
            for (var block = 1; block < students[i].Length; block++)
                features += weight * options.FeatureWeight * Mse(students[i][block], teachers[i][block]) / (options.NormalizesFeatures ? variances[block] : 1);
        }
        return new(diffusion, logits, features);
    }

    float[][] Teacher(DistillationBatch batch, UnconditionalText none, int i, bool dropsPooled)
    {
        var drops = batch.DropsText[i];
        return Forward(batch, i, drops ? none.TeacherSequence : Row(batch.TeacherSequence, batch, i), drops && dropsPooled ? none.TeacherPooled! : Row(batch.TeacherPooled!, batch, i));
    }

    float[][] Student(DistillationBatch batch, UnconditionalText none, int i, bool dropsPooled)
    {
        var own = Adapt(Row(batch.StudentHidden, batch, i), Row(batch.StudentMask, batch, i));
        if (!batch.DropsText[i]) return Forward(batch, i, own.Sequence, own.Pooled);
        var empty = Adapt(none.StudentHidden, none.StudentMask);
        return Forward(batch, i, empty.Sequence, dropsPooled ? empty.Pooled : own.Pooled);
    }

    (float[] Sequence, float[] Pooled) Adapt(float[] hidden, byte[] mask)
    {
        float[] sequence = new float[mask.Length * adapter.SequenceFeatures], pooled = new float[adapter.PooledFeatures!.Value];
        MeasuredArena.Run(backend, p =>
        {
            var input = p.New([1, mask.Length, adapter.InFeatures]);
            p.Backend.Upload(hidden, input);
            var output = adapter.Forward(p, input, mask);
            p.Backend.Download(output.Sequence, sequence);
            p.Backend.Download(output.Pooled!.Value, pooled);
        }, default);
        return (sequence, pooled);
    }

    /// <summary>The prediction, then the blocks' outputs, channels last.</summary>
    float[][] Forward(DistillationBatch batch, int i, float[] sequence, float[] pooled)
    {
        float[] latents = Row(batch.Latents, batch, i), noise = Row(batch.Noise, batch, i);
        double alpha = alphasCumprod[batch.Timesteps[i]];
        float[] noisy = ChannelsLast(batch, [.. latents.Zip(noise, (x, e) => (float)(Math.Sqrt(alpha) * x + Math.Sqrt(1 - alpha) * e))]);
        int channels = batch.LatentShape[1], features = unet.Config.CrossAttentionDim[0];
        float[][] outputs = [];
        MeasuredArena.Run(backend, p =>
        {
            Tensor Given(Shape shape, float[] values)
            {
                var tensor = p.New(shape);
                p.Backend.Upload(values, tensor);
                return tensor;
            }
            var c = unet.Condition(p, Given([1, sequence.Length / features, features], sequence), Given([1, pooled.Length], pooled), Given([1, 6], Row(batch.TimeIds!, batch, i)));
            var blocks = new UNetFeatures();
            var prediction = unet.Forward(p, Given([1, batch.LatentShape[2], batch.LatentShape[3], channels], noisy), Given([1], [batch.Timesteps[i]]), c, blocks);
            outputs = [Values(p, prediction), .. blocks.Blocks.Select(block => Values(p, block.Value))];
        }, default);
        return outputs;
    }

    static float[] Values(Pass p, Tensor tensor)
    {
        var values = new float[tensor.Elements];
        p.Backend.Download(tensor, values);
        return values;
    }

    static float[] ChannelsLast(DistillationBatch batch, float[] first)
    {
        var (channels, last) = (batch.LatentShape[1], new float[first.Length]);
        var pixels = first.Length / channels;
        for (var i = 0; i < first.Length; i++) last[i % pixels * channels + i / pixels] = first[i];
        return last;
    }

    static T[] Row<T>(T[] values, DistillationBatch batch, int i) => values[(values.Length / batch.Count * i)..(values.Length / batch.Count * (i + 1))];

    static double Mse(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Average();

    static double Variance(float[] values)
    {
        if (values.Length == 0) return 1;
        var mean = values.Average(value => (double)value);
        return values.Average(value => (value - mean) * (value - mean));
    }
}
