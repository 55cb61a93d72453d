using System.Runtime.InteropServices;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>
/// Epoch after epoch, each sample once in each: shards in a random order, read as one stream; so many samples at a time are taken into a buffer and
/// given in a random order. Where it stands is told by the beginning of the buffer and how much of it was given, in a few numbers.
/// </summary>
sealed class ShuffledSource<T> : SampleSource<T> where T : class
{
    readonly ulong seed;
    readonly int size;
    readonly List<(SampleLocation Location, T Sample)> buffer = [];
    readonly long[] dropped;
    readonly int[] order;
    IEnumerator<ShardItem<T>>? shard;
    SourcePosition position;
    long epoch;
    int ordinal;
    bool anyInEpoch;

    /// <summary>Begins, or goes on from a position.</summary>
    /// <param name="shards">The samples.</param>
    /// <param name="index">The source's number.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="size">Samples in the buffer.</param>
    /// <param name="from">A position of such a source, or null.</param>
    /// <exception cref="PeaException">The position is none of these shards.</exception>
    public ShuffledSource(ISampleShards<T> shards, int index, ulong seed, int size, SourcePosition? from) : base(shards, index)
    {
        (this.seed, this.size) = (seed, size);
        order = new int[shards.Count];
        dropped = from?.Dropped.ToArray() ?? NoCounts();
        position = new() { Dropped = [.. dropped] };
        if (from != null)
        {
            if (from.Ordinal < 0 || from.Ordinal >= order.Length || from.Epoch < 0 || from.Offset < 0 || from.Used < 0 || dropped.Length != NoCounts().Length)
                throw new PeaException($"source {index}: a position at shard {from.Ordinal} of {order.Length}: the data was changed");
            (epoch, ordinal, anyInEpoch) = (from.Epoch, from.Ordinal, from.Used > 0);
        }
        ShuffleShards();
        if (from is not { Used: > 0 }) return;
        shard = Shards.Read(order[ordinal], from.Offset).GetEnumerator();
        position = position with { Buffer = from.Buffer };
        Fill();
        if (from.Used > buffer.Count) throw new PeaException($"source {index}: {buffer.Count} samples where {from.Used} were given: the data was changed");
        position = position with { Used = from.Used };
    }

    public override SourcePosition Position => position;

    public override IReadOnlyList<long> Dropped => dropped;

    public override DrawnSample<T> Next(ulong place)
    {
        if (position.Used == buffer.Count)
        {
            if (buffer.Count > 0) position = position with { Buffer = position.Buffer + 1 };
            Fill();
        }
        var (location, sample) = buffer[position.Used];
        position = position with { Used = position.Used + 1 };
        return new(place, location, sample);
    }

    /// <summary>Reads a buffer: as many as it takes, or those that the epoch has left.</summary>
    void Fill()
    {
        buffer.Clear();
        var isFirst = true;
        long[] before = [.. dropped];
        while (buffer.Count < size)
        {
            if (NextItem() is not { } item)
            {
                if (buffer.Count > 0) break;
                if (!anyInEpoch) throw NothingLeft(dropped);
                BeginEpoch();
                continue;
            }
            if (isFirst) position = new() { Epoch = epoch, Ordinal = ordinal, Offset = item.Offset, Buffer = position.Buffer, Dropped = before };
            isFirst = false;
            if (item.Sample is not { } sample) dropped[(int)item.Dropped]++;
            else
            {
                buffer.Add((new(Index, order[ordinal], item.Offset), sample));
                anyInEpoch = true;
            }
        }
        new Philox(seed, (uint)RandomStream.ShuffleBuffer, Pack(position.Buffer)).Shuffle(CollectionsMarshal.AsSpan(buffer));
    }

    /// <summary>The next sample of the epoch, or null at its end.</summary>
    ShardItem<T>? NextItem()
    {
        for (; ordinal < order.Length; ordinal++)
        {
            shard ??= Shards.Read(order[ordinal], 0).GetEnumerator();
            if (shard.MoveNext()) return shard.Current;
            shard.Dispose();
            shard = null;
        }
        return null;
    }

    void BeginEpoch()
    {
        (epoch, ordinal, anyInEpoch) = (epoch + 1, 0, false);
        ShuffleShards();
    }

    void ShuffleShards()
    {
        for (var i = 0; i < order.Length; i++) order[i] = i;
        new Philox(seed, (uint)RandomStream.Shards, Pack(epoch)).Shuffle(order.AsSpan());
    }

    ulong Pack(long number) => (ulong)Index << 48 | (ulong)number;
}
