using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Config;

namespace PeaEngine.Train.Training;

/// <summary>What a batch of one size takes beside the weights, in bytes.</summary>
/// <param name="Size">The pictures.</param>
/// <param name="Activations">The most that a step has in use at once.</param>
/// <param name="Recomputed">The same where blocks are computed again in the backward pass.</param>
/// <param name="Encoding">The most that the VAE has in use when it encodes a picture, beside a step's activations; 0 where a cache is read.</param>
public sealed record BucketMemory(PixelSize Size, long Activations, long Recomputed, long Encoding);

/// <summary>The memory of a run by its configuration, in bytes. The batches are the largest that there can be: every sample has a teacher, and a text is dropped if any may be.</summary>
/// <param name="Weights">Those of all models; what is trained is F32.</param>
/// <param name="Trained">Gradients, AdamW's moments, and the running average if there is one; of a UNet's weights that are trained also what is added and the sums.</param>
/// <param name="Buckets">Each size of pictures.</param>
public sealed record TrainingMemory(long Weights, long Trained, IReadOnlyList<BucketMemory> Buckets)
{
    /// <summary>Measures a run over a backend that keeps nothing: configurations and the headers of files are read, nothing is computed or written, data is not opened.</summary>
    /// <param name="config">The run.</param>
    /// <param name="activations">What it would compute in.</param>
    /// <exception cref="OptionException">The configuration asks for what this version does not do.</exception>
    /// <exception cref="PeaException">A file is missing, damaged or does not fit.</exception>
    public static TrainingMemory Measure(TrainConfig config, DType activations = DType.F32)
    {
        var folder = Directory.CreateTempSubdirectory("pea-dry-run-");
        try
        {
            using var backend = Device.OpenNull(activations);
            using Trainer kept = Open(recompute: false), recomputed = Open(recompute: true);
            return new(kept.WeightBytes, kept.TrainedBytes, [.. config.Data.Buckets.Select(size => new BucketMemory(size, kept.Measure(size), recomputed.Measure(size), kept.MeasureEncoding(size)))]);

            Trainer Open(bool recompute) => new(config with { Output = folder.FullName, Recompute = recompute }, backend, _ => { });
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>All of it for one size.</summary>
    /// <param name="bucket">The size.</param>
    /// <param name="recompute">Whether blocks are computed again.</param>
    public long Total(BucketMemory bucket, bool recompute)
    {
        ArgumentNullException.ThrowIfNull(bucket);
        return Weights + Trained + (recompute ? bucket.Recomputed : bucket.Activations) + bucket.Encoding;
    }
}
