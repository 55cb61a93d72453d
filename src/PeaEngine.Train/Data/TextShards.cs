namespace PeaEngine.Train.Data;

/// <summary>Shards of which only the texts are wanted, and only of samples that have a teacher.</summary>
/// <param name="shards">Whole samples.</param>
/// <param name="textsOf">A sample's texts, or null where it has no teacher.</param>
/// <param name="bytesOf">The bytes of memory that texts take.</param>
sealed class TextShards<TSample, TTexts>(ISampleShards<TSample> shards, Func<TSample, TTexts?> textsOf, Func<TTexts, long> bytesOf) : ISampleShards<TTexts>
    where TSample : class where TTexts : class
{
    public int Count => shards.Count;

    public IEnumerable<ShardItem<TTexts>> Read(int shard, long offset)
    {
        foreach (var item in shards.Read(shard, offset))
            yield return item.Sample is not { } sample ? new(item.Offset, null, item.Dropped) : new(item.Offset, textsOf(sample), DropReason.NoEnglishCaption);
    }

    public long BytesOf(TTexts texts) => bytesOf(texts);
}
