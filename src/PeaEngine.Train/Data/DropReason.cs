namespace PeaEngine.Train.Data;

/// <summary>Why a sample is not trained with.</summary>
public enum DropReason
{
    /// <summary>It has no picture of a known ending.</summary>
    NoPicture,

    /// <summary>It has no metadata.</summary>
    NoMetadata,

    /// <summary>It has no caption in any of the languages.</summary>
    NoCaption,

    /// <summary>It has a caption in one of the languages, but none in English.</summary>
    NoEnglishCaption,

    /// <summary>The filter wants more pixels.</summary>
    TooSmall,

    /// <summary>The filter wants a higher aesthetic score, or one at all.</summary>
    LowAesthetic,

    /// <summary>The filter wants a watermark to be less likely.</summary>
    Watermark,

    /// <summary>No bucket has nearly its aspect.</summary>
    NoBucket,

    /// <summary>Its metadata or picture is damaged, and <see cref="ShardErrors.Skip"/> is chosen.</summary>
    Damaged,
}
