using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>A shard's cache.</summary>
/// <param name="Path">The file.</param>
/// <param name="Samples">Samples in it.</param>
/// <param name="Captions">Captions for the student in it.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="IsNew">False if it was there already, made with the same models and options.</param>
/// <param name="Dropped">Samples that are not in it, by reason.</param>
public sealed record BuiltCache(string Path, int Samples, int Captions, long Bytes, bool IsNew, IReadOnlyDictionary<DropReason, long> Dropped);

/// <summary>Writes the caches that <see cref="CachedBatches"/> reads: moments of latents, and embeddings of every caption, a file for each shard.</summary>
public sealed class CacheBuilder
{
    /// <summary>Captions that the student encodes at once.</summary>
    const int CaptionsAtOnce = 32;

    readonly DataOptions options;
    readonly TrainingEncoders encoders;
    readonly CacheKey key;
    readonly string? folder;
    readonly DType dtype;
    readonly Action<string> warn;
    readonly Unconditional unconditional;
    readonly BatchShape shape;

    /// <summary>Prepares; nothing is written.</summary>
    /// <param name="options">The languages, buckets, filter and what is done about damage.</param>
    /// <param name="encoders">The models; they stay the caller's.</param>
    /// <param name="models">SHA-256 of the models' files; see <see cref="TrainingEncoders.Hash"/>.</param>
    /// <param name="folder">Where the caches go; null for next to the shards.</param>
    /// <param name="dtype">What is stored: F32, or F16 or BF16 to round what is large.</param>
    /// <param name="warn">Told what <see cref="ShardErrors.Skip"/> skips.</param>
    /// <exception cref="OptionException">A bucket is no multiple of the VAE's factor, or the element type is another.</exception>
    public CacheBuilder(DataOptions options, TrainingEncoders encoders, string models, string? folder = null, DType dtype = DType.F32, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(encoders);
        AspectBuckets.CheckFactor(options.Buckets, encoders.Factor);
        if (!dtype.IsWeight()) throw new OptionException($"dtype: {dtype}, expected F32, F16 or BF16");
        (this.options, this.encoders, this.folder, this.dtype, this.warn) = (options, encoders, folder, dtype, warn ?? (_ => { }));
        key = CacheKey.Of(models, options);
        unconditional = EncodedBatches.Encode(encoders);
        shape = EncodedBatches.ShapeOf(encoders, unconditional);
    }

    /// <summary>Writes a shard's cache, whole or not at all, unless it is there. What it depends on is in it.</summary>
    /// <param name="shard">A file or URL.</param>
    /// <param name="progress">Told how many samples are done.</param>
    /// <param name="cancellation">Ends the call between two samples.</param>
    /// <exception cref="PeaException">The shard or a sample is damaged, and that is not to be skipped; or the cache cannot be written.</exception>
    public BuiltCache Build(string shard, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        var path = CacheKey.PathOf(shard, folder);
        if (CacheFile.IsCurrent(path, shard, key, options.Languages, dtype, encoders.ActivationType)) return Describe(path, shard, isNew: false);
        using var writer = new CacheWriter(Path.GetDirectoryName(Path.GetFullPath(path))!, dtype, options.Languages);
        var shards = new TarShards([shard], options, warn);
        var waiting = new List<string>();
        var samples = 0;
        foreach (var item in shards.Read(0, 0))
        {
            cancellation.ThrowIfCancellationRequested();
            if (item.Sample is not { } sample) writer.Drop(item.Dropped);
            else if (Crop(sample, item.Offset) is not { } picture) writer.Drop(DropReason.Damaged);
            else
            {
                writer.AddSample(item.Offset, options.Buckets[sample.Bucket], picture.TimeIds, encoders.EncodePicture(picture.Image, cancellation));
                if (sample.Captions.Teacher is { } teacher) writer.AddTeacher(encoders.EncodeTeacher(teacher, cancellation));
                foreach (var (language, text) in sample.Captions.Students)
                {
                    writer.AddCaption(language);
                    waiting.Add(text);
                    if (waiting.Count == CaptionsAtOnce) EncodeWaiting();
                }
            }
            progress?.Report(++samples);
        }
        if (waiting.Count > 0) EncodeWaiting();
        writer.Write(path, shape, unconditional, encoders.LatentScale, new()
        {
            [CacheNames.Models] = key.Models,
            [CacheNames.Buckets] = key.Buckets,
            [CacheNames.Filter] = key.Filter,
            [CacheNames.ShardBytes] = ShardStream.IsUrl(shard) ? "" : CacheNames.BytesOf(shard),
            [CacheNames.Activations] = encoders.ActivationType.ToString(),
        });
        return Describe(path, shard, isNew: true);

        void EncodeWaiting()
        {
            writer.AddStudent(encoders.EncodeStudent(waiting, cancellation));
            waiting.Clear();
        }
    }

    /// <summary>The picture in its bucket's size, or null if it is damaged and to be skipped. The crop depends on the sample's place in the shard.</summary>
    CroppedPicture? Crop(Sample sample, long offset)
    {
        try
        {
            return CoverCrop.Apply(PixelImage.Decode(sample.Picture, sample.Name), options.Buckets[sample.Bucket], new Philox(0, (uint)RandomStream.Crop, (ulong)offset));
        }
        catch (PeaException exception) when (options.OnError == ShardErrors.Skip)
        {
            warn($"{exception.Message}; the sample is skipped");
            return null;
        }
    }

    BuiltCache Describe(string path, string shard, bool isNew)
    {
        using var file = CacheFile.Open(path, shard, key);
        var dropped = Enum.GetValues<DropReason>().Where(reason => file.Dropped[(int)reason] > 0).ToDictionary(reason => reason, reason => file.Dropped[(int)reason]);
        return new(path, file.Count, file.Captions().Count(), new FileInfo(path).Length, isNew, dropped);
    }
}
