using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;

namespace PeaEngine.Train.Data;

/// <summary>Tells from a shard's files whether a sample can be trained with: what it has, and what the filter wants.</summary>
sealed class SampleParser(DataOptions options)
{
    readonly AspectBuckets buckets = new(options.Buckets);

    /// <summary>The sample, or null and the reason.</summary>
    /// <exception cref="PeaException">Its metadata or the beginning of its picture is damaged.</exception>
    public Sample? Parse(ShardSample files, out DropReason reason)
    {
        var name = files.ToString();
        if (ShardSample.PictureEndings.FirstOrDefault(files.Files.ContainsKey) is not { } ending) return Drop(DropReason.NoPicture, out reason);
        if (!files.Files.TryGetValue(ShardSample.MetadataEnding, out var json)) return Drop(DropReason.NoMetadata, out reason);
        var metadata = JsonConfig.Parse(json, name);
        if (ParseCaptions(metadata, out reason) is not { } captions) return null;
        var picture = files.Files[ending];
        var (width, height) = PixelImage.ReadSize(picture, name);
        PixelSize size = new(height, width);
        if (options.Filter?.Check(metadata, size) is { } refused) return Drop(refused, out reason);
        if (buckets.Find(size) is not { } bucket) return Drop(DropReason.NoBucket, out reason);
        return new(name, picture, size, bucket, captions);
    }

    static Sample? Drop(DropReason why, out DropReason reason)
    {
        reason = why;
        return null;
    }

    SampleCaptions? ParseCaptions(JsonConfig metadata, out DropReason reason)
    {
        var students = new List<Caption>(options.Languages.Count);
        foreach (var language in options.Languages)
            if (Text(metadata, $"caption_{language}") is { } text) students.Add(new(language, text));
        var teacher = Text(metadata, "caption_en");
        reason = students.Count > 0 ? DropReason.NoEnglishCaption : DropReason.NoCaption;
        if (students.Count > 0 && teacher != null) return new(students, teacher);
        return Text(metadata, "caption_ori") is { } original ? new([new(SampleCaptions.Original, original)], teacher) : null;
    }

    static string? Text(JsonConfig metadata, string key) => metadata.OptionalString(key) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;
}
