namespace PeaEngine.Train.Data;

/// <summary>Opens shards: files and what http(s) servers have.</summary>
static class ShardStream
{
    const int BufferBytes = 1 << 16;

    /// <summary>Whether a shard is on a server.</summary>
    public static bool IsUrl(string shard) =>
        shard.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || shard.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>A stream that is read once, from a byte on.</summary>
    /// <exception cref="ShardException">There is no such shard, or it cannot be read.</exception>
    public static Stream Open(string shard, long offset)
    {
        if (IsUrl(shard)) return new BufferedStream(new HttpShardStream(shard, offset), BufferBytes);
        try
        {
            var stream = new FileStream(shard, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, BufferBytes, FileOptions.SequentialScan);
            stream.Position = offset;
            return stream;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = exception is FileNotFoundException or DirectoryNotFoundException ? "no such file" : exception.Message.ReplaceLineEndings(" ");
            throw new ShardException(shard, offset, $"{reason}, expected a shard", exception);
        }
    }
}
