using System.Globalization;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

/// <summary>Shards of samples that are names alone: a sample's byte is its number, its bucket what follows the last dash. Names with a cross are dropped.</summary>
sealed class ListedShards(params string[][] shards) : ISampleShards<string>
{
    public int Count => shards.Length;

    /// <summary>How many samples were read.</summary>
    public int Reads { get; private set; }

    /// <summary>Bytes that each is said to take.</summary>
    public long Bytes { get; init; } = 1;

    public IEnumerable<ShardItem<string>> Read(int shard, long offset)
    {
        for (var i = (int)offset; i < shards[shard].Length; i++)
        {
            Reads++;
            var name = shards[shard][i];
            yield return name.StartsWith('x') ? new(i, null, DropReason.NoCaption) : new(i, name, default);
        }
    }

    public long BytesOf(string sample) => Bytes;

    /// <summary>The bucket of a sample.</summary>
    public static int BucketOf(string sample) => int.Parse(sample.AsSpan(sample.LastIndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    /// <summary>Samples <c>letter number-bucket</c>, most of them in bucket 0, some dropped.</summary>
    public static string[] Shard(char letter, int count, int buckets = 3) =>
        [.. Enumerable.Range(0, count).Select(i => $"{(i % 11 == 5 ? "x" : "")}{letter}{i}-{(i % 4 == 0 ? i / 4 % buckets : 0)}")];
}
