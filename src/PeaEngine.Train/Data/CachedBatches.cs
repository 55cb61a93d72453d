using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>Batches from caches, for which neither VAE nor text encoders are needed: the samples and languages that <see cref="EncodedBatches"/> gives, with the crops of the cache.</summary>
public sealed class CachedBatches : IBatches
{
    readonly DataOptions options;
    readonly ulong seed;
    readonly int rank, ranks;
    readonly CacheKey key;
    readonly string? folder;
    readonly OrderedDictionary<string, CacheFile> files = [];
    readonly BatchOrder<CachedSample> order;
    readonly ReadAhead<Batch> ahead;

    /// <summary>Begins, or goes on from a position, which may have been reached with another number of ranks, or without a cache.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="models">SHA-256 of the models' files; see <see cref="Diffusion.Pipelines.TrainingEncoders.Hash"/>.</param>
    /// <param name="folder">Where the caches are; null for next to the shards.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="from">A batch's <see cref="Batch.After"/>, or null.</param>
    /// <param name="rank">Which rank this is.</param>
    /// <param name="ranks">How many there are.</param>
    /// <exception cref="OptionException">The configuration is out of range, or wants a language that is not in the cache.</exception>
    /// <exception cref="PeaException">A cache is missing, damaged or stale, or the position is another configuration's.</exception>
    public CachedBatches(DataOptions options, string models, string? folder, ulong seed, DataPosition? from = null, int rank = 0, int ranks = 1)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        options.CheckRank(rank, ranks);
        (this.options, this.seed, this.rank, this.ranks) = (options, seed, rank, ranks);
        (key, this.folder) = (CacheKey.Of(models, options), folder);
        ahead = new(Read, CountDropped, _ => { });
        try
        {
            order = new(options, seed, Open, sample => sample.Bucket, from);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public BatchShape Shape => First.Shape;

    /// <summary>The type of the activations that the caches were computed in, the same for all.</summary>
    public DType Activations => First.Activations;

    /// <inheritdoc/>
    public Unconditional Unconditional => First.Unconditional;

    /// <summary>Samples that were dropped so far, by reason: those that the cache lacks a caption for, and those that it was made without.</summary>
    public IReadOnlyDictionary<DropReason, long> Dropped => ahead.Dropped;

    /// <inheritdoc/>
    public Batch Next(CancellationToken cancellation = default) => ahead.Next(cancellation);

    /// <inheritdoc/>
    public void Ahead() => ahead.Begin();

    /// <summary>The first samples of other shards; see <see cref="FirstSamples.Take"/>.</summary>
    internal IReadOnlyList<Batch> FirstOf(IReadOnlyList<string> shards, int count, int batchSize)
    {
        var opened = new List<CacheFile>();
        try
        {
            foreach (var shard in ShardList.Expand(shards))
            {
                var path = CacheKey.PathOf(shard, folder);
                opened.Add(CacheFile.Open(path, shard, key));
                Check(opened[^1], path);
            }
            return [.. FirstSamples.Take(new CacheShards([.. opened], options), count, batchSize, sample => sample.Bucket).Select(batch => Read(batch.Bucket, batch.Samples, new()))];
        }
        finally
        {
            foreach (var file in opened) file.Dispose();
        }
    }

    Batch Read(CancellationToken cancellation)
    {
        var (bucket, drawn) = order.Next(cancellation);
        return Read(bucket, [.. drawn.Where((_, i) => i % ranks == rank)], order.Position);
    }

    Dictionary<DropReason, long> CountDropped()
    {
        var dropped = order.Dropped.ToDictionary();
        foreach (var reason in Enum.GetValues<DropReason>())
            if (files.Values.Sum(file => file.Dropped[(int)reason]) is > 0 and var count) dropped[reason] = dropped.GetValueOrDefault(reason) + count;
        return dropped;
    }

    Batch Read(int bucket, IReadOnlyList<DrawnSample<CachedSample>> drawn, DataPosition after)
    {
        var rows = new BatchRows(options, seed, Shape, First.Scale, drawn.Count, after.Batches - 1, options.Buckets[bucket], after);
        for (var row = 0; row < drawn.Count; row++)
        {
            var (place, _, sample) = drawn[row];
            var (file, caption) = (sample.File, sample.Captions[new Philox(seed, (uint)RandomStream.Language, place).Below(sample.Captions.Count)]);
            rows.SetSample(row, place, caption.Language, file.TimeIds(sample.Row));
            rows.SetLatents(row, file.ReadLatents(sample.Row));
            file.ReadStudent(caption.Row, rows.StudentHidden(row), rows.StudentMask(row));
            rows.Batch.IsCultural[row] = file.IsCultural(sample.Row);
            if (!file.IsCultural(sample.Row)) file.ReadTeacher(sample.Row, rows.TeacherSequence(row), rows.TeacherPooled(row));
        }
        return rows.Batch;
    }

    /// <inheritdoc/>
    public ITextBatches Texts(int batchSize, DataPosition? from = null) => new TextOrder<CachedSample>(options with { BatchSize = batchSize }, seed, Shape,
        shards => new TextShards<CachedSample, CachedSample>(Open(shards), sample => sample.File.IsCultural(sample.Row) ? null : sample, _ => 0), Fill, from, rank, ranks);

    /// <summary>Stops reading and closes the caches.</summary>
    public void Dispose()
    {
        ahead.Dispose();
        foreach (var file in files.Values) file.Dispose();
    }

    CacheFile First => files.GetAt(0).Value;

    static string Fill(CachedSample sample, Philox random, TextBatch batch, int row, CancellationToken cancellation)
    {
        var (file, caption) = (sample.File, sample.Captions[random.Below(sample.Captions.Count)]);
        file.ReadStudent(caption.Row, batch.Row(batch.StudentHidden, row), batch.Row(batch.StudentMask, row));
        file.ReadTeacher(sample.Row, batch.Row(batch.TeacherSequence, row), batch.Row(batch.TeacherPooled, row));
        return caption.Language;
    }

    CacheShards Open(IReadOnlyList<string> shards) => new([.. shards.Select(Open)], options);

    /// <summary>A shard's cache, opened once.</summary>
    CacheFile Open(string shard)
    {
        var path = CacheKey.PathOf(shard, folder);
        if (files.TryGetValue(path, out var opened)) return opened;
        var file = CacheFile.Open(path, shard, key);
        files.Add(path, file);
        Check(file, path);
        return file;
    }

    void Check(CacheFile file, string path)
    {
        if (file.Shape != Shape) throw new PeaException($"{path}: {file.Shape}, expected the sizes of the first cache, {Shape}");
        if (file.Activations != Activations) throw new PeaException($"{path}: computed in {file.Activations}, expected {Activations}, as the first cache; make it anew with pea cache and that --dtype");
        foreach (var language in options.Languages)
            if (!file.Languages.Contains(language)) throw new OptionException($"languages: {language}, but {path} was made for {string.Join(", ", file.Languages)}");
    }
}
