using PeaEngine.Randomness;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;

namespace PeaEngine.Train.Training;

/// <summary>
/// What is drawn for a batch: noise, timesteps, which texts are dropped. Each number follows from the seed and the sample's place in the order
/// of training, so that a step is the same whether the run was interrupted or not.
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
        int size = noise.Length / batch.Count, height = batch.Size.Height / shape.Factor, width = batch.Size.Width / shape.Factor;
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
        var isXL = shape.PooledChannels > 0;
        return new([batch.Count, shape.LatentChannels, height, width], batch.Latents, noise, drawn, batch.StudentHidden, batch.StudentMask, batch.TeacherSequence,
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
