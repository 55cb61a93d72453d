using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>Each time any of the samples, uniformly and with replacement. All places are read at first; samples stay in memory as far as it goes.</summary>
sealed class UniformSource<T> : SampleSource<T> where T : class
{
    const long MaxBytes = 1L << 30;

    readonly ulong seed;
    readonly List<(SampleLocation Location, T? Sample)> samples = [];
    readonly long[] dropped = NoCounts();

    /// <summary>Reads the shards once.</summary>
    /// <exception cref="PeaException">No sample can be trained with, or a shard is damaged.</exception>
    public UniformSource(ISampleShards<T> shards, int index, ulong seed) : base(shards, index)
    {
        this.seed = seed;
        var bytes = 0L;
        for (var shard = 0; shard < shards.Count; shard++)
            foreach (var item in shards.Read(shard, 0))
            {
                if (item.Sample is not { } sample)
                {
                    dropped[(int)item.Dropped]++;
                    continue;
                }
                bytes += shards.BytesOf(sample);
                samples.Add((new(index, shard, item.Offset), bytes <= MaxBytes ? sample : null));
            }
        if (samples.Count == 0) throw NothingLeft(dropped);
    }

    /// <summary>There is nothing to tell: a draw depends on its place alone.</summary>
    public override SourcePosition Position { get; } = new();

    public override IReadOnlyList<long> Dropped => dropped;

    public override DrawnSample<T> Next(ulong place)
    {
        var (location, sample) = samples[new Philox(seed, (uint)RandomStream.Sample, place).Below(samples.Count)];
        return new(place, location, sample ?? Reread(location.Shard, location.Offset));
    }
}
