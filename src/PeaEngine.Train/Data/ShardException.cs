namespace PeaEngine.Train.Data;

/// <summary>A shard that cannot be read on: damaged, cut off or not to be had.</summary>
public sealed class ShardException : PeaException
{
    /// <summary>An error with a message of one line, before which shard and byte are put.</summary>
    public ShardException(string shard, long offset, string message, Exception? inner = null) : base($"{shard}: byte {offset}: {message}", inner!) =>
        (Shard, Offset) = (shard, offset);

    /// <summary>The file or URL.</summary>
    public string Shard { get; }

    /// <summary>The byte of the shard at which the trouble begins.</summary>
    public long Offset { get; }
}
