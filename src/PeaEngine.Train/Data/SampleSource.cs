namespace PeaEngine.Train.Data;

/// <summary>Where a sample is: reading its shard from the byte on gives it first.</summary>
/// <param name="Source">The index of the source.</param>
/// <param name="Shard">The index of the shard in the source.</param>
/// <param name="Offset">The byte at which it begins.</param>
public readonly record struct SampleLocation(int Source, int Shard, long Offset);

/// <summary>A sample in the order of training.</summary>
/// <param name="Place">Its number in the order: what its random numbers depend on.</param>
/// <param name="Location">Where it is.</param>
/// <param name="Sample">The sample.</param>
readonly record struct DrawnSample<T>(ulong Place, SampleLocation Location, T Sample) where T : class;

/// <summary>An endless order of a source's samples.</summary>
abstract class SampleSource<T>(ISampleShards<T> shards, int index) where T : class
{
    /// <summary>The source's samples.</summary>
    protected ISampleShards<T> Shards { get; } = shards;

    /// <summary>The source's number.</summary>
    protected int Index { get; } = index;

    /// <summary>Where it stands: a source that is made with this goes on in the same way.</summary>
    public abstract SourcePosition Position { get; }

    /// <summary>Samples that were dropped so far, by reason.</summary>
    public abstract IReadOnlyList<long> Dropped { get; }

    /// <summary>The next sample.</summary>
    /// <param name="place">Its number in the order of all sources.</param>
    /// <exception cref="PeaException">No sample can be trained with, or a shard is damaged.</exception>
    public abstract DrawnSample<T> Next(ulong place);

    /// <summary>The sample at a place that was drawn from before.</summary>
    /// <exception cref="PeaException">It is not there any more.</exception>
    public T Reread(int shard, long offset)
    {
        foreach (var item in Shards.Read(shard, offset))
            if (item.Offset == offset && item.Sample is { } sample) return sample;
            else break;
        throw new PeaException($"source {Index}: shard {shard} has no sample at byte {offset} any more: the data was changed");
    }

    /// <summary>An error that says why every sample was dropped.</summary>
    protected PeaException NothingLeft(IReadOnlyList<long> dropped)
    {
        var reasons = string.Join(", ", Enum.GetValues<DropReason>().Where(reason => dropped[(int)reason] > 0).Select(reason => $"{dropped[(int)reason]} {reason}"));
        return new($"source {Index}: {Shards.Count} shards without a sample to train with ({(reasons.Length == 0 ? "no sample" : reasons)})");
    }

    /// <summary>A count for each reason.</summary>
    protected static long[] NoCounts() => new long[Enum.GetValues<DropReason>().Length];
}
