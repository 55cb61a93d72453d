using System.Globalization;

namespace PeaEngine.Train.Data;

/// <summary>The tensors and metadata of a cache. N samples in the shard's order, M captions, E elements of all latents, K samples with an English caption.</summary>
static class CacheNames
{
    /// <summary>I64 [N]: the byte of the shard at which a sample begins.</summary>
    public const string Offset = "sample.offset";

    /// <summary>I32 [N, 2]: height and width.</summary>
    public const string Size = "sample.size";

    /// <summary>F32 [N, 6]</summary>
    public const string TimeIds = "sample.time_ids";

    /// <summary>I64 [N]: where a sample's latents begin in the moments.</summary>
    public const string Latents = "sample.latents";

    /// <summary>I32 [N]: the row of the teacher's embeddings, or -1.</summary>
    public const string Teacher = "sample.teacher";

    /// <summary>I64: samples that were dropped, by reason.</summary>
    public const string Dropped = "sample.dropped";

    /// <summary>I32 [M]: the sample of a caption.</summary>
    public const string CaptionSample = "caption.sample";

    /// <summary>I32 [M]: the language of a caption, an index into the metadata's.</summary>
    public const string CaptionLanguage = "caption.language";

    /// <summary>[E]: each sample's [C, h, w].</summary>
    public const string Mean = "latents.mean";

    /// <summary>[E]: each sample's [C, h, w].</summary>
    public const string LogVar = "latents.logvar";

    /// <summary>F32 [C]</summary>
    public const string Scale = "latents.scale";

    /// <summary>F32 [C]</summary>
    public const string ScaleOffset = "latents.offset";

    /// <summary>[K, tokens, channels]</summary>
    public const string TeacherSequence = "teacher.sequence";

    /// <summary>[K, channels]</summary>
    public const string TeacherPooled = "teacher.pooled";

    /// <summary>[M, tokens, channels]</summary>
    public const string StudentHidden = "student.hidden";

    /// <summary>U8 [M, tokens]</summary>
    public const string StudentMask = "student.mask";

    /// <summary>F32 [tokens, channels]</summary>
    public const string TeacherUnconditional = "unconditional.teacher.sequence";

    /// <summary>F32 [channels]</summary>
    public const string PooledUnconditional = "unconditional.teacher.pooled";

    /// <summary>F32 [tokens, channels]</summary>
    public const string StudentUnconditional = "unconditional.student.hidden";

    /// <summary>U8 [tokens]</summary>
    public const string StudentMaskUnconditional = "unconditional.student.mask";

    /// <summary>Metadata: what the file is.</summary>
    public const string Format = "format", FormatValue = "pea-cache";

    /// <summary>Metadata: what it was made with.</summary>
    public const string Models = "models", Buckets = "buckets", Filter = "filter", ShardBytes = "shard_bytes", Languages = "languages", Factor = "factor";

    /// <summary>Metadata: the type of the activations that everything was computed in; without it F32.</summary>
    public const string Activations = "activations";

    /// <summary>A file's size as the metadata has it.</summary>
    public static string BytesOf(string shard) => new FileInfo(shard).Length.ToString(CultureInfo.InvariantCulture);
}
