using PeaEngine.Formats;

namespace PeaEngine.Train.Data;

/// <summary>The files of one sample as a shard holds them: all of those that have its key, never some.</summary>
/// <param name="Shard">The file or URL.</param>
/// <param name="Offset">The byte of the shard at which the sample begins; reading may begin there.</param>
/// <param name="Key">The path of its files up to the first dot of the name.</param>
/// <param name="Files">What follows that dot, in lower case, with the bytes; only pictures and metadata are kept.</param>
public sealed record ShardSample(string Shard, long Offset, string Key, IReadOnlyDictionary<string, byte[]> Files)
{
    /// <summary>The endings of pictures, the preferred one first.</summary>
    public static IReadOnlyList<string> PictureEndings { get; } = ["jpg", "jpeg", "png", "webp"];

    /// <summary>The ending of metadata.</summary>
    public const string MetadataEnding = "json";

    /// <summary>For messages: shard, byte and key.</summary>
    public override string ToString() => $"{Shard}: byte {Offset}: sample {Quoted.Of(Key)}";

    /// <summary>Reads a shard in the webdataset form: files of a sample follow one another and have its key.</summary>
    /// <param name="shard">A tar file or its URL.</param>
    /// <param name="offset">Where a sample begins; 0 is the beginning.</param>
    /// <exception cref="ShardException">The shard is damaged, cut off or cannot be read; the samples before were given.</exception>
    public static IEnumerable<ShardSample> Read(string shard, long offset = 0)
    {
        using var stream = ShardStream.Open(shard, offset);
        var tar = new TarReader(stream, shard, offset);
        ShardSample? sample = null;
        var files = new Dictionary<string, byte[]>();
        while (tar.Next() is { } entry)
        {
            if (!entry.IsFile || Split(entry.Name) is not var (key, ending)) continue;
            if (sample == null || key != sample.Key)
            {
                if (sample != null) yield return sample;
                files = [];
                sample = new(shard, entry.Offset, key, files);
            }
            if (ending != MetadataEnding && !PictureEndings.Contains(ending)) continue;
            if (!files.TryAdd(ending, tar.ReadData(entry)))
                throw new ShardException(shard, entry.Offset, $"a second file {Quoted.Of(entry.Name)} of a sample, expected every name once");
        }
        if (sample != null) yield return sample;
    }

    /// <summary>webdataset's <c>base_plus_ext</c>; null for names without an ending, or hidden ones.</summary>
    static (string Key, string Ending)? Split(string name)
    {
        var start = name.LastIndexOf('/') + 1;
        var dot = name.IndexOf('.', start);
        return dot <= start || dot == name.Length - 1 ? null : (name[..dot], name[(dot + 1)..].ToLowerInvariant());
    }
}
