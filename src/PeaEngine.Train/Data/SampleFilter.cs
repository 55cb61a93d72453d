using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;

namespace PeaEngine.Train.Data;

/// <summary>
/// The filters that PEA-Diffusion was published with (<c>verify_keys</c> of its data set). They ask something only of samples whose metadata has
/// <c>watermark</c>: enough pixels, and of those without <c>caption_ori</c> also <c>aesthetic_score</c> (or <c>aesthetic</c>) and <c>watermark</c>.
/// </summary>
public sealed record SampleFilter
{
    /// <summary>The fewest pixels.</summary>
    public long MinPixels { get; init; } = 640 * 640;

    /// <summary>The lowest aesthetic score.</summary>
    public double MinAesthetic { get; init; } = 6;

    /// <summary>The highest probability of a watermark.</summary>
    public double MaxWatermark { get; init; } = 0.5;

    /// <summary>Why a sample does not pass, or null.</summary>
    /// <exception cref="PeaException">A score is no number.</exception>
    internal DropReason? Check(JsonConfig metadata, PixelSize size)
    {
        if (!metadata.Has("watermark")) return null;
        if ((long)size.Width * size.Height < MinPixels) return DropReason.TooSmall;
        if (metadata.Has("caption_ori")) return null;
        // A score that is null or missing is not known to be good.
        var aesthetic = metadata.OptionalFloat("aesthetic_score") ?? metadata.OptionalFloat("aesthetic");
        if (!(aesthetic >= MinAesthetic)) return DropReason.LowAesthetic;
        return metadata.OptionalFloat("watermark") <= MaxWatermark ? null : DropReason.Watermark;
    }
}
