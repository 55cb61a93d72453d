using System.Globalization;
using System.Runtime.InteropServices;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;

namespace PeaEngine.Train.Data;

/// <summary>Gathers a cache's tables, and what is large in files, until the cache is written; see <see cref="CacheNames"/> for what it holds.</summary>
sealed class CacheWriter : IDisposable
{
    readonly string[] languages;
    readonly SpooledRows mean, logVar, sequence, pooled, hidden, mask;
    readonly List<long> offsets = [], latents = [];
    readonly List<int> sizes = [], teachers = [], captionSamples = [], captionLanguages = [];
    readonly List<float> timeIds = [];
    readonly long[] dropped = new long[Enum.GetValues<DropReason>().Length];
    int teacherRows;

    /// <summary>Begins.</summary>
    /// <param name="folder">Where files may be for a while.</param>
    /// <param name="dtype">The element type of what is large.</param>
    /// <param name="languages">The languages of captions.</param>
    /// <exception cref="PeaException">The folder cannot be written to.</exception>
    public CacheWriter(string folder, DType dtype, IReadOnlyList<string> languages)
    {
        this.languages = [.. languages.Append(SampleCaptions.Original).Distinct()];
        var open = new List<SpooledRows>();
        try
        {
            (mean, logVar, sequence) = (Spool(dtype), Spool(dtype), Spool(dtype));
            (pooled, hidden, mask) = (Spool(dtype), Spool(dtype), Spool(DType.U8));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            open.ForEach(rows => rows.Dispose());
            throw new PeaException($"{folder}: cannot be written to: {exception.Message.ReplaceLineEndings(" ")}", exception);
        }

        SpooledRows Spool(DType type)
        {
            open.Add(new(folder, type));
            return open[^1];
        }
    }

    /// <summary>Counts a sample that is left out.</summary>
    public void Drop(DropReason reason) => dropped[(int)reason]++;

    /// <summary>Begins a sample.</summary>
    public void AddSample(long offset, PixelSize size, ReadOnlySpan<float> ids, LatentMoments moments)
    {
        offsets.Add(offset);
        latents.Add(mean.Elements);
        sizes.AddRange([size.Height, size.Width]);
        timeIds.AddRange(ids);
        teachers.Add(-1);
        mean.Add(moments.Mean);
        logVar.Add(moments.LogVar);
    }

    /// <summary>Adds the last sample's teacher.</summary>
    public void AddTeacher(TeacherText text)
    {
        teachers[^1] = teacherRows++;
        sequence.Add(text.Sequence);
        pooled.Add(text.Pooled ?? []);
    }

    /// <summary>Adds a caption of the last sample, whose states <see cref="AddStudent"/> adds later in the same order.</summary>
    public void AddCaption(string language)
    {
        captionSamples.Add(offsets.Count - 1);
        captionLanguages.Add(Array.IndexOf(languages, language));
    }

    /// <summary>Adds the states of the next captions.</summary>
    public void AddStudent(StudentText text)
    {
        hidden.Add(text.Hidden);
        mask.Add(text.Mask);
    }

    /// <summary>Writes the cache, whole or not at all.</summary>
    /// <exception cref="PeaException">It cannot be written.</exception>
    public void Write(string path, BatchShape shape, Unconditional unconditional, (float[] Scale, float[] Offset) scale, Dictionary<string, string> metadata)
    {
        metadata[CacheNames.Format] = CacheNames.FormatValue;
        metadata[CacheNames.Languages] = string.Join(' ', languages);
        metadata[CacheNames.Factor] = shape.Factor.ToString(CultureInfo.InvariantCulture);
        int samples = offsets.Count, captions = captionSamples.Count;
        SafetensorsWriter.Write(path,
        [
            Table<long>(CacheNames.Offset, DType.I64, offsets, samples),
            Table<long>(CacheNames.Latents, DType.I64, latents, samples),
            Table<int>(CacheNames.Size, DType.I32, sizes, samples, 2),
            Table<int>(CacheNames.Teacher, DType.I32, teachers, samples),
            Table<float>(CacheNames.TimeIds, DType.F32, timeIds, samples, 6),
            Table<int>(CacheNames.CaptionSample, DType.I32, captionSamples, captions),
            Table<int>(CacheNames.CaptionLanguage, DType.I32, captionLanguages, captions),
            Table<long>(CacheNames.Dropped, DType.I64, [.. dropped], dropped.Length),
            Table<float>(CacheNames.Scale, DType.F32, [.. scale.Scale], shape.LatentChannels),
            Table<float>(CacheNames.ScaleOffset, DType.F32, [.. scale.Offset], shape.LatentChannels),
            Table<float>(CacheNames.TeacherUnconditional, DType.F32, [.. unconditional.TeacherSequence], shape.TeacherTokens, shape.TeacherChannels),
            Table<float>(CacheNames.PooledUnconditional, DType.F32, [.. unconditional.TeacherPooled], shape.PooledChannels),
            Table<float>(CacheNames.StudentUnconditional, DType.F32, [.. unconditional.StudentHidden], shape.StudentTokens, shape.StudentChannels),
            Table<byte>(CacheNames.StudentMaskUnconditional, DType.U8, [.. unconditional.StudentMask], shape.StudentTokens),
            mean.ToContent(CacheNames.Mean, mean.Elements),
            logVar.ToContent(CacheNames.LogVar, logVar.Elements),
            sequence.ToContent(CacheNames.TeacherSequence, teacherRows, shape.TeacherTokens, shape.TeacherChannels),
            pooled.ToContent(CacheNames.TeacherPooled, teacherRows, shape.PooledChannels),
            hidden.ToContent(CacheNames.StudentHidden, captions, shape.StudentTokens, shape.StudentChannels),
            mask.ToContent(CacheNames.StudentMask, captions, shape.StudentTokens),
        ], metadata);
    }

    public void Dispose()
    {
        foreach (var rows in (SpooledRows[])[mean, logVar, sequence, pooled, hidden, mask]) rows.Dispose();
    }

    static TensorContent Table<T>(string name, DType dtype, List<T> values, params long[] shape) where T : unmanaged =>
        TensorContent.FromBytes(new(name, dtype, shape), MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values)).ToArray());
}
