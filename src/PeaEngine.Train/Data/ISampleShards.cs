namespace PeaEngine.Train.Data;

/// <summary>A sample of a shard, or why it is none to train with.</summary>
/// <param name="Offset">The byte of the shard at which it begins.</param>
/// <param name="Sample">The sample, or null.</param>
/// <param name="Dropped">The reason, if there is no sample.</param>
readonly record struct ShardItem<T>(long Offset, T? Sample, DropReason Dropped) where T : class;

/// <summary>The shards of a source, whatever their samples are kept as.</summary>
interface ISampleShards<T> where T : class
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>A shard's samples in their order, from the one that begins at <paramref name="offset"/> on; 0 is the beginning.</summary>
    /// <exception cref="PeaException">The shard or a sample is damaged, and that is not to be skipped.</exception>
    IEnumerable<ShardItem<T>> Read(int shard, long offset);

    /// <summary>The bytes of memory that a sample takes.</summary>
    long BytesOf(T sample);
}
