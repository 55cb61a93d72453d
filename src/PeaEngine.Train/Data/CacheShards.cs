namespace PeaEngine.Train.Data;

/// <summary>Shards as their caches, which have the same samples in the same order.</summary>
sealed class CacheShards : ISampleShards<CachedSample>
{
    readonly CacheFile[] files;
    readonly CachedSample?[][] samples;

    /// <summary>Takes caches over.</summary>
    /// <param name="files">One for each shard.</param>
    /// <param name="options">Which languages are wanted, and the buckets.</param>
    public CacheShards(CacheFile[] files, DataOptions options)
    {
        this.files = files;
        samples = [.. files.Select(file => Samples(file, options))];
    }

    public int Count => files.Length;

    public IEnumerable<ShardItem<CachedSample>> Read(int shard, long offset)
    {
        for (var row = 0; row < files[shard].Count; row++)
            if (files[shard].Offset(row) >= offset) yield return new(files[shard].Offset(row), samples[shard][row], DropReason.NoCaption);
    }

    /// <summary>They are in memory anyway.</summary>
    public long BytesOf(CachedSample sample) => 0;

    /// <summary>The samples that have a caption in one of the languages, or one of their own culture.</summary>
    static CachedSample?[] Samples(CacheFile file, DataOptions options)
    {
        var captions = file.Captions().ToLookup(caption => caption.Sample);
        var buckets = options.Buckets.Select((size, i) => (size, i)).DistinctBy(bucket => bucket.size).ToDictionary(bucket => bucket.size, bucket => bucket.i);
        return [.. Enumerable.Range(0, file.Count).Select(row =>
        {
            var wanted = options.Languages.SelectMany(language => captions[row].Where(caption => caption.Language == language)).ToList();
            if (wanted.Count == 0) wanted = [.. captions[row].Where(caption => caption.Language == SampleCaptions.Original)];
            return wanted.Count == 0 || !buckets.TryGetValue(file.Size(row), out var bucket) ? null : new CachedSample(file, row, bucket, wanted.ConvertAll(caption => new CachedCaption(caption.Language, caption.Row)));
        })];
    }
}
