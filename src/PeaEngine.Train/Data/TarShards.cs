namespace PeaEngine.Train.Data;

/// <summary>Shards as tar files, whose samples are checked as they are read.</summary>
/// <param name="shards">Files and URLs.</param>
/// <param name="options">What a sample needs.</param>
/// <param name="warn">Told what is skipped.</param>
sealed class TarShards(IReadOnlyList<string> shards, DataOptions options, Action<string> warn) : ISampleShards<Sample>
{
    readonly SampleParser parser = new(options);

    public int Count => shards.Count;

    public IEnumerable<ShardItem<Sample>> Read(int shard, long offset)
    {
        using var samples = ShardSample.Read(shards[shard], offset).GetEnumerator();
        while (Next(samples) is { } files) yield return Parse(files);
    }

    public long BytesOf(Sample sample) => sample.Picture.Length;

    ShardSample? Next(IEnumerator<ShardSample> samples)
    {
        try
        {
            return samples.MoveNext() ? samples.Current : null;
        }
        catch (ShardException exception) when (options.OnError == ShardErrors.Skip)
        {
            warn($"{exception.Message}; the rest of the shard is skipped");
            return null;
        }
    }

    ShardItem<Sample> Parse(ShardSample files)
    {
        try
        {
            return new(files.Offset, parser.Parse(files, out var reason), reason);
        }
        catch (PeaException exception) when (options.OnError == ShardErrors.Skip)
        {
            warn($"{exception.Message}; the sample is skipped");
            return new(files.Offset, null, DropReason.Damaged);
        }
    }
}
