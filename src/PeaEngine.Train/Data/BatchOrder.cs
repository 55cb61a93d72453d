using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>
/// The order of training: samples are drawn from weighted sources and wait in their bucket's queue; whichever first has enough is a batch. Which
/// samples the batch of a step has depends on the seed, the configuration and the data alone.
/// </summary>
sealed class BatchOrder<T> where T : class
{
    readonly DataOptions options;
    readonly ulong seed;
    readonly SampleSource<T>[] sources;
    readonly Func<T, int> bucketOf;
    readonly List<DrawnSample<T>>[] queues;
    readonly string fingerprint;
    ulong places;
    long batches;

    /// <summary>Begins, or goes on from a position.</summary>
    /// <param name="options">The configuration, valid.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="open">The samples of a source's shards.</param>
    /// <param name="bucketOf">The bucket of a sample.</param>
    /// <param name="from">A position of a reader with the same configuration, or null.</param>
    /// <exception cref="PeaException">The position is another configuration's, or a shard is damaged.</exception>
    public BatchOrder(DataOptions options, ulong seed, Func<IReadOnlyList<string>, ISampleShards<T>> open, Func<T, int> bucketOf, DataPosition? from)
    {
        (this.options, this.seed, this.bucketOf) = (options, seed, bucketOf);
        queues = [.. options.Buckets.Select(_ => new List<DrawnSample<T>>())];
        var shards = options.Sources.Select(source => ShardList.Expand(source.Shards)).ToList();
        fingerprint = Fingerprint(options, seed, shards);
        if (from != null && from.Fingerprint != fingerprint)
            throw new PeaException("data position: it is that of another order: seed, batch size, languages, buckets, filter, sampling or shards were changed");
        if (from != null && from.Sources.Count != shards.Count) throw new PeaException($"data position: {from.Sources.Count} sources, expected {shards.Count}");
        sources = [.. shards.Select((names, i) => Open(open(names), i, from?.Sources[i]))];
        if (from == null) return;
        (places, batches) = (from.Places, from.Batches);
        foreach (var (place, location) in from.Waiting)
        {
            if (location.Source < 0 || location.Source >= sources.Length || location.Shard < 0 || location.Shard >= shards[location.Source].Count || location.Offset < 0)
                throw new PeaException($"data position: a sample in source {location.Source}, shard {location.Shard}: there is none");
            var sample = sources[location.Source].Reread(location.Shard, location.Offset);
            queues[bucketOf(sample)].Add(new(place, location, sample));
        }
    }

    /// <summary>Where it stands.</summary>
    public DataPosition Position => new()
    {
        Batches = batches,
        Places = places,
        Sources = [.. sources.Select(source => source.Position)],
        Waiting = [.. queues.SelectMany(queue => queue).OrderBy(drawn => drawn.Place).Select(drawn => new WaitingSample(drawn.Place, drawn.Location))],
        Fingerprint = fingerprint,
    };

    /// <summary>Samples that were dropped so far, by reason, of all sources.</summary>
    public IReadOnlyDictionary<DropReason, long> Dropped =>
        Enum.GetValues<DropReason>().Select(reason => (reason, count: sources.Sum(source => source.Dropped[(int)reason]))).Where(pair => pair.count > 0).ToDictionary();

    /// <summary>The next batch: samples of one bucket, as many as all ranks take together.</summary>
    /// <exception cref="PeaException">A shard is damaged, or nothing can be trained with.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two samples.</exception>
    public (int Bucket, IReadOnlyList<DrawnSample<T>> Samples) Next(CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var drawn = sources[ChooseSource()].Next(places++);
            var bucket = bucketOf(drawn.Sample);
            queues[bucket].Add(drawn);
            if (queues[bucket].Count < options.BatchSize) continue;
            var samples = queues[bucket];
            queues[bucket] = [];
            batches++;
            return (bucket, samples);
        }
    }

    SampleSource<T> Open(ISampleShards<T> shards, int index, SourcePosition? from) => options.Sampling == Sampling.Uniform
        ? new UniformSource<T>(shards, index, seed)
        : new ShuffledSource<T>(shards, index, seed, options.ShuffleBuffer, from);

    int ChooseSource()
    {
        if (sources.Length == 1) return 0;
        var left = new Philox(seed, (uint)RandomStream.Source, places).UniformDouble() * options.Sources.Sum(source => source.Weight);
        var chosen = 0;
        while (chosen < sources.Length - 1 && (left -= options.Sources[chosen].Weight) >= 0) chosen++;
        return chosen;
    }

    /// <summary>Folders do not count: data may be moved.</summary>
    static string Fingerprint(DataOptions options, ulong seed, IReadOnlyList<IReadOnlyList<string>> shards)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{seed} {options.BatchSize} {options.Sampling} {options.ShuffleBuffer} {options.OnError} {options.Filter}\n");
        text.AppendJoin(' ', options.Languages).Append('\n').AppendJoin(' ', options.Buckets).Append('\n');
        foreach (var (source, names) in options.Sources.Zip(shards))
            text.Append(CultureInfo.InvariantCulture, $"{source.Weight:r} ").AppendJoin(' ', names.Select(Path.GetFileName)).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
