using PeaEngine.Diffusion.Images;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>
/// The batches of a training run from shards: pictures and captions. The batch of a step depends on the seed, the step and the configuration alone;
/// rank r of R takes the samples r, r + R, r + 2R, … of each.
/// </summary>
public sealed class PictureBatches
{
    readonly DataOptions options;
    readonly ulong seed;
    readonly int rank, ranks;
    readonly Action<string> warn;
    readonly BatchOrder<Sample> order;
    long damaged;

    /// <summary>Begins, or goes on from a position, which may have been reached with another number of ranks.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="from">A batch's <see cref="PictureBatch.After"/>, or null.</param>
    /// <param name="rank">Which rank this is.</param>
    /// <param name="ranks">How many there are.</param>
    /// <param name="warn">Told, in one line, what <see cref="ShardErrors.Skip"/> skips.</param>
    /// <exception cref="OptionException">The configuration is out of range, or names no shards.</exception>
    /// <exception cref="PeaException">The position is another configuration's, or a shard that is read at once is damaged.</exception>
    public PictureBatches(DataOptions options, ulong seed, DataPosition? from = null, int rank = 0, int ranks = 1, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        options.CheckRank(rank, ranks);
        (this.options, this.seed, this.rank, this.ranks, this.warn) = (options, seed, rank, ranks, warn ?? (_ => { }));
        order = new(options, seed, shards => new TarShards(shards, options, this.warn), sample => sample.Bucket, from);
    }

    /// <summary>Samples that were dropped so far, by reason; pictures that cannot be decoded are counted by the rank that needs them.</summary>
    public IReadOnlyDictionary<DropReason, long> Dropped
    {
        get
        {
            var dropped = order.Dropped.ToDictionary();
            if (damaged > 0) dropped[DropReason.Damaged] = dropped.GetValueOrDefault(DropReason.Damaged) + damaged;
            return dropped;
        }
    }

    /// <summary>The next batch.</summary>
    /// <exception cref="PeaException">A shard or a sample is damaged, and that is not to be skipped; or nothing can be trained with.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two samples.</exception>
    public PictureBatch Next(CancellationToken cancellation = default)
    {
        var (bucket, drawn) = order.Next(cancellation);
        var samples = new List<PictureSample>();
        for (var i = rank; i < drawn.Count; i += ranks)
        {
            cancellation.ThrowIfCancellationRequested();
            samples.Add(Prepare(drawn, i, bucket));
        }
        var after = order.Position;
        return new(after.Batches - 1, options.Buckets[bucket], samples, after);
    }

    /// <summary>The first samples of other shards, each with the crop and caption of its number; see <see cref="FirstSamples.Take"/>.</summary>
    internal IEnumerable<PictureBatch> FirstOf(IReadOnlyList<string> shards, int count, int batchSize) =>
        FirstSamples.Take(new TarShards(ShardList.Expand(shards), options, warn), count, batchSize, sample => sample.Bucket)
            .Select(batch => new PictureBatch(0, options.Buckets[batch.Bucket], [.. batch.Samples.Select((_, i) => Prepare(batch.Samples, i, batch.Bucket))], new()));

    /// <summary>
    /// A sample of the batch; where its picture turns out to be damaged, the next one's of the whole batch, which every rank has: so the
    /// batch does not depend on the number of ranks.
    /// </summary>
    PictureSample Prepare(IReadOnlyList<DrawnSample<Sample>> drawn, int index, int bucket)
    {
        var place = drawn[index].Place;
        for (var i = 0; i < drawn.Count; i++)
        {
            var sample = drawn[(index + i) % drawn.Count].Sample;
            try
            {
                var picture = CoverCrop.Apply(PixelImage.Decode(sample.Picture, sample.Name), options.Buckets[bucket], new Philox(seed, (uint)RandomStream.Crop, place));
                var captions = sample.Captions;
                return new(place, sample.Name, picture, captions.Draw(new Philox(seed, (uint)RandomStream.Language, place)), captions.Teacher);
            }
            catch (PeaException exception) when (options.OnError == ShardErrors.Skip)
            {
                warn($"{exception.Message}; the sample is skipped");
                damaged++;
            }
        }
        throw new PeaException($"{drawn[index].Sample.Name}: no picture of the batch can be decoded");
    }
}
