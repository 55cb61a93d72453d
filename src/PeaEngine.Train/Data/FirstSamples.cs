namespace PeaEngine.Train.Data;

/// <summary>The first samples of shards, which are the same whenever they are asked for.</summary>
static class FirstSamples
{
    /// <summary>Takes them in the order of the shards, numbers them from 0 on, and puts those of one size together, so many at a time.</summary>
    /// <param name="shards">The shards.</param>
    /// <param name="count">The most samples that are taken, of all sizes.</param>
    /// <param name="batchSize">The most samples of a batch.</param>
    /// <param name="bucketOf">The bucket of a sample.</param>
    /// <exception cref="PeaException">There is no sample, or a shard is damaged.</exception>
    public static IReadOnlyList<(int Bucket, IReadOnlyList<DrawnSample<T>> Samples)> Take<T>(ISampleShards<T> shards, int count, int batchSize, Func<T, int> bucketOf) where T : class
    {
        var samples = All(shards).Take(count).ToList();
        if (samples.Count == 0) throw new PeaException($"{shards.Count} shards without a sample that could be trained with, expected one or more");
        return [.. samples.GroupBy(drawn => bucketOf(drawn.Sample)).SelectMany(bucket => bucket.Chunk(batchSize).Select(chunk => (bucket.Key, (IReadOnlyList<DrawnSample<T>>)chunk)))];
    }

    static IEnumerable<DrawnSample<T>> All<T>(ISampleShards<T> shards) where T : class
    {
        var place = 0UL;
        for (var shard = 0; shard < shards.Count; shard++)
            foreach (var item in shards.Read(shard, 0))
                if (item.Sample is { } sample) yield return new(place++, new(0, shard, item.Offset), sample);
    }
}
