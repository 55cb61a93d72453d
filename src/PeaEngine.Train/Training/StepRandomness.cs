using PeaEngine.Randomness;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;

namespace PeaEngine.Train.Training;

/// <summary>
/// What is drawn for a batch: noise, timesteps, which texts are dropped. Each number follows from the seed and the sample's place in the order
/// of training or of a validation, so that a step is the same whether the run was interrupted or not.
/// </summary>
static class StepRandomness
{
    /// <summary>The batch with everything drawn.</summary>
    /// <param name="batch">The samples.</param>
    /// <param name="config">The seed and the rates.</param>
    /// <param name="shape">The sizes of the batch.</param>
    /// <param name="timesteps">How many the teacher was trained with.</param>
    public static DistillationBatch Draw(Batch batch, TrainConfig config, BatchShape shape, int timesteps)
    {
        var drawn = new int[batch.Count];
        var drops = new bool[batch.Count];
        var draw = new NoiseDraw(config.Seed, RandomStream.Noise, batch.Places);
        for (var i = 0; i < batch.Count; i++)
        {
            drawn[i] = Stream(RandomStream.Timestep).Below(timesteps);
            drops[i] = Stream(RandomStream.TextDropout).UniformDouble() < config.TextDropout;

            Philox Stream(RandomStream stream) => new(config.Seed, (uint)stream, batch.Places[i]);
        }
        return config.Loss.NoiseOffset == 0 ? Compose(batch, shape, [], drawn, drops) with { Draw = draw } : Compose(batch, shape, Offset(batch, draw, shape.LatentChannels, (float)config.Loss.NoiseOffset), drawn, drops);
    }

    /// <summary>A validation's batch, whose noise follows from the samples' numbers and the timestep.</summary>
    public static DistillationBatch Fixed(Batch batch, ulong seed, BatchShape shape, int timestep)
    {
        var timesteps = new int[batch.Count];
        Array.Fill(timesteps, timestep);
        return Compose(batch, shape, [], timesteps, new bool[batch.Count]) with { Draw = new(seed, RandomStream.ValidationNoise, [.. batch.Places.Select(place => place << 32 | (uint)timestep)]) };
    }

    static DistillationBatch Compose(Batch batch, BatchShape shape, float[] noise, int[] timesteps, bool[] drops)
    {
        int height = batch.Size.Height / shape.Factor, width = batch.Size.Width / shape.Factor;
        var isXL = shape.PooledChannels > 0;
        return new([batch.Count, shape.LatentChannels, height, width], batch.Latents, noise, timesteps, batch.StudentHidden, batch.StudentMask, batch.TeacherSequence,
            isXL ? batch.TeacherPooled : null, isXL ? batch.TimeIds : null, batch.IsCultural, drops);
    }

    /// <summary>The noise with a number of its own added to every channel.</summary>
    static float[] Offset(Batch batch, NoiseDraw draw, int channels, float scale)
    {
        var all = new float[batch.Latents.Length];
        var size = all.Length / batch.Count;
        Span<float> offsets = stackalloc float[channels];
        for (var b = 0; b < batch.Count; b++)
        {
            var noise = all.AsSpan(b * size, size);
            new Philox(draw.Seed, (uint)draw.Stream, draw.Positions[b]).Normals(noise);
            new Philox(draw.Seed, (uint)RandomStream.NoiseOffset, draw.Positions[b]).Normals(offsets);
            for (var i = 0; i < size; i++) noise[i] += scale * offsets[i / (size / channels)];
        }
        return all;
    }
}
