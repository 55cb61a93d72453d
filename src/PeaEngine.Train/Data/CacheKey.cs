using System.Globalization;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>What a cache of encoded samples depends on: with anything else it is stale.</summary>
/// <param name="Models">SHA-256 of the models' files; see <see cref="TrainingEncoders.Hash"/>.</param>
/// <param name="Buckets">The sizes of pictures.</param>
/// <param name="Filter">The filter.</param>
public sealed record CacheKey(string Models, string Buckets, string Filter)
{
    /// <summary>The ending that a shard's cache adds to the shard's name.</summary>
    public const string Ending = ".cache.safetensors";

    /// <summary>The key of a configuration with these models.</summary>
    public static CacheKey Of(string models, DataOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var filter = options.Filter is { } some ? string.Create(CultureInfo.InvariantCulture, $"{some.MinPixels} {some.MinAesthetic:r} {some.MaxWatermark:r}") : "none";
        return new(models, string.Join(' ', options.Buckets), filter);
    }

    /// <summary>Where the cache of a shard is: next to it, or in a folder, where that of what a server has must be.</summary>
    /// <exception cref="OptionException">The shard is a server's, and there is no folder.</exception>
    public static string PathOf(string shard, string? folder)
    {
        var name = Path.GetFileName(ShardStream.IsUrl(shard) ? new Uri(shard).AbsolutePath : shard) + Ending;
        if (folder != null) return Path.Combine(folder, name);
        if (ShardStream.IsUrl(shard)) throw new OptionException($"cache: {shard} is a server's, expected a folder for its cache");
        return Path.Combine(Path.GetDirectoryName(shard) ?? "", name);
    }
}
