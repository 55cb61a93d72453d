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
        var noise = new float[batch.Latents.Length];
        var size = noise.Length / batch.Count;
        var drawn = new int[batch.Count];
        var drops = new bool[batch.Count];
        for (var i = 0; i < batch.Count; i++)
        {
            var sample = noise.AsSpan(i * size, size);
            Stream(RandomStream.Noise).Normals(sample);
            if (config.Loss.NoiseOffset != 0) Offset(sample, shape.LatentChannels, (float)config.Loss.NoiseOffset, Stream(RandomStream.NoiseOffset));
            drawn[i] = Stream(RandomStream.Timestep).Below(timesteps);
            drops[i] = Stream(RandomStream.TextDropout).UniformDouble() < config.TextDropout;

            Philox Stream(RandomStream stream) => new(config.Seed, (uint)stream, batch.Places[i]);
        }
        return Compose(batch, shape, noise, drawn, drops);
    }

    /// <summary>A validation's batch, whose noise follows from the samples' numbers and the timestep.</summary>
    public static DistillationBatch Fixed(Batch batch, ulong seed, BatchShape shape, int timestep)
    {
        var noise = new float[batch.Latents.Length];
        var size = noise.Length / batch.Count;
        for (var i = 0; i < batch.Count; i++) new Philox(seed, (uint)RandomStream.ValidationNoise, batch.Places[i] << 32 | (uint)timestep).Normals(noise.AsSpan(i * size, size));
        var timesteps = new int[batch.Count];
        Array.Fill(timesteps, timestep);
        return Compose(batch, shape, noise, timesteps, new bool[batch.Count]);
    }

    static DistillationBatch Compose(Batch batch, BatchShape shape, float[] noise, int[] timesteps, bool[] drops)
    {
        int height = batch.Size.Height / shape.Factor, width = batch.Size.Width / shape.Factor;
        var isXL = shape.PooledChannels > 0;
        return new([batch.Count, shape.LatentChannels, height, width], batch.Latents, noise, timesteps, batch.StudentHidden, batch.StudentMask, batch.TeacherSequence,
            isXL ? batch.TeacherPooled : null, isXL ? batch.TimeIds : null, batch.IsCultural, drops);
    }

    /// <summary>Adds a number of its own to every channel.</summary>
    static void Offset(Span<float> noise, int channels, float scale, Philox random)
    {
        Span<float> offsets = stackalloc float[channels];
        random.Normals(offsets);
        var pixels = noise.Length / channels;
        for (var i = 0; i < noise.Length; i++) noise[i] += scale * offsets[i / pixels];
    }
}
