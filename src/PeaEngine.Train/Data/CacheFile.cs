using System.Runtime.InteropServices;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;

namespace PeaEngine.Train.Data;

/// <summary>
/// A shard's encoded samples, written by <see cref="CacheBuilder"/> as safetensors. Only the tables of samples and captions are held in memory; what
/// they refer to is read when it is needed.
/// </summary>
sealed class CacheFile : IDisposable
{
    readonly SafetensorsFile file;
    readonly long[] offsets, latents;
    readonly int[] sizes, teachers, captionSamples, captionLanguages;
    readonly float[] timeIds;
    readonly string[] languages;

    CacheFile(SafetensorsFile file)
    {
        this.file = file;
        offsets = Table<long>(CacheNames.Offset, DType.I64);
        latents = Table<long>(CacheNames.Latents, DType.I64);
        sizes = Table<int>(CacheNames.Size, DType.I32);
        teachers = Table<int>(CacheNames.Teacher, DType.I32);
        timeIds = Table<float>(CacheNames.TimeIds, DType.F32);
        captionSamples = Table<int>(CacheNames.CaptionSample, DType.I32);
        captionLanguages = Table<int>(CacheNames.CaptionLanguage, DType.I32);
        languages = file.Metadata.GetValueOrDefault(CacheNames.Languages, "").Split(' ');
        if (!Enum.TryParse<DType>(file.Metadata.GetValueOrDefault(CacheNames.Activations, nameof(DType.F32)), out var activations) || !activations.IsWeight()) throw Broken();
        Activations = activations;
        var (mean, teacher, pooled, student) = (Info(CacheNames.Mean), Info(CacheNames.TeacherUnconditional), Info(CacheNames.PooledUnconditional), Info(CacheNames.StudentUnconditional));
        Scale = new(Table<float>(CacheNames.Scale, DType.F32), Table<float>(CacheNames.ScaleOffset, DType.F32));
        if (teacher.Shape.Count != 2 || student.Shape.Count != 2 || !int.TryParse(file.Metadata.GetValueOrDefault(CacheNames.Factor), out var factor) || factor < 1) throw Broken();
        Shape = new(Scale.Scale.Length, factor, (int)teacher.Shape[0], (int)teacher.Shape[1], (int)pooled.Elements, (int)student.Shape[0], (int)student.Shape[1]);
        Unconditional = new(Row(CacheNames.TeacherUnconditional, 0, teacher.Elements), Row(CacheNames.PooledUnconditional, 0, pooled.Elements),
            Row(CacheNames.StudentUnconditional, 0, student.Elements), Table<byte>(CacheNames.StudentMaskUnconditional, DType.U8));
        Check(mean.Elements);
    }

    /// <summary>Samples.</summary>
    public int Count => offsets.Length;

    /// <summary>The type of the activations that everything was computed in.</summary>
    public DType Activations { get; }

    /// <summary>The sizes of everything.</summary>
    public BatchShape Shape { get; }

    /// <summary>From moments to the UNet.</summary>
    public LatentScale Scale { get; }

    /// <summary>What the empty text becomes.</summary>
    public Unconditional Unconditional { get; }

    /// <summary>Samples that the cache's maker dropped, by reason.</summary>
    public IReadOnlyList<long> Dropped => Table<long>(CacheNames.Dropped, DType.I64);

    /// <summary>The languages of captions, and <see cref="SampleCaptions.Original"/>.</summary>
    public IReadOnlyList<string> Languages => languages;

    /// <summary>Whether a cache is there that need not be made anew.</summary>
    public static bool IsCurrent(string path, string shard, CacheKey key, IReadOnlyList<string> languages, DType dtype, DType activations)
    {
        if (!File.Exists(path)) return false;
        try
        {
            using var cache = Open(path, shard, key);
            return languages.Append(SampleCaptions.Original).Distinct().SequenceEqual(cache.languages) && cache.Info(CacheNames.Mean).DType == dtype && cache.Activations == activations;
        }
        catch (PeaException)
        {
            // Stale or damaged: it is replaced.
            return false;
        }
    }

    /// <summary>Opens a cache and refuses a stale one.</summary>
    /// <param name="path">The cache.</param>
    /// <param name="shard">The shard that it is of.</param>
    /// <param name="key">What it must have been made with.</param>
    /// <exception cref="PeaException">There is none, it is damaged, or it was made with other models, options or data.</exception>
    public static CacheFile Open(string path, string shard, CacheKey key)
    {
        if (!File.Exists(path)) throw new PeaException($"{path}: no such file, expected the cache of {shard}: make it with pea cache");
        var file = SafetensorsFile.Open(path);
        try
        {
            if (!file.Metadata.TryGetValue(CacheNames.Format, out var format) || format != CacheNames.FormatValue) throw new PeaException($"{path}: no cache of this version, make it anew with pea cache");
            Same(CacheNames.Models, key.Models, "other models, or another student length");
            Same(CacheNames.Buckets, key.Buckets, "other buckets");
            Same(CacheNames.Filter, key.Filter, "another filter");
            if (!ShardStream.IsUrl(shard)) Same(CacheNames.ShardBytes, CacheNames.BytesOf(shard), "another shard");
            return new(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }

        void Same(string name, string expected, string what)
        {
            var actual = file.Metadata.GetValueOrDefault(name, "");
            if (actual != expected) throw new PeaException($"{path}: stale: made with {what} ({name} {Quoted.Of(actual)}, expected {Quoted.Of(expected)}); make it anew with pea cache");
        }
    }

    /// <summary>The byte of the shard at which a sample begins.</summary>
    public long Offset(int row) => offsets[row];

    /// <summary>The size of a sample's picture.</summary>
    public PixelSize Size(int row) => new(sizes[2 * row], sizes[2 * row + 1]);

    /// <summary>A sample's micro-conditioning [6].</summary>
    public ReadOnlySpan<float> TimeIds(int row) => timeIds.AsSpan(6 * row, 6);

    /// <summary>Whether a sample has no English caption.</summary>
    public bool IsCultural(int row) => teachers[row] < 0;

    /// <summary>The captions of all samples: sample, language and the row of the student's states.</summary>
    public IEnumerable<(int Sample, string Language, int Row)> Captions() => captionSamples.Select((sample, i) => (sample, languages[captionLanguages[i]], i));

    /// <summary>A sample's latents, as moments.</summary>
    public LatentMoments ReadLatents(int row)
    {
        var elements = LatentElements(row);
        return new(Row(CacheNames.Mean, latents[row], elements), Row(CacheNames.LogVar, latents[row], elements));
    }

    /// <summary>Reads a sample's teacher, which it has.</summary>
    public void ReadTeacher(int row, Span<float> sequence, Span<float> pooled)
    {
        Read(CacheNames.TeacherSequence, (long)teachers[row] * sequence.Length, sequence);
        Read(CacheNames.TeacherPooled, (long)teachers[row] * pooled.Length, pooled);
    }

    /// <summary>Reads a caption's states.</summary>
    public void ReadStudent(int row, Span<float> hidden, Span<byte> mask)
    {
        Read(CacheNames.StudentHidden, (long)row * hidden.Length, hidden);
        file.Read(CacheNames.StudentMask, (long)row * mask.Length, mask);
    }

    public void Dispose() => file.Dispose();

    long LatentElements(int row) => (long)Shape.LatentChannels * (sizes[2 * row] / Shape.Factor) * (sizes[2 * row + 1] / Shape.Factor);

    TensorInfo Info(string name) => file.Tensors.TryGetValue(name, out var info) ? info : throw Broken();

    T[] Table<T>(string name, DType dtype) where T : unmanaged
    {
        if (Info(name) is not { } info || info.DType != dtype || info.Elements > int.MaxValue) throw Broken();
        var values = new T[info.Elements];
        file.Read(name, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    float[] Row(string name, long first, long elements)
    {
        var values = new float[elements];
        Read(name, first, values);
        return values;
    }

    void Read(string name, long first, Span<float> values)
    {
        var dtype = Info(name).DType;
        if (dtype == DType.F32)
        {
            file.Read(name, first * sizeof(float), MemoryMarshal.AsBytes(values));
            return;
        }
        var bytes = new byte[values.Length * dtype.SizeInBytes()];
        file.Read(name, first * dtype.SizeInBytes(), bytes);
        HalfConversion.ToSingle(bytes, dtype, values);
    }

    /// <summary>Everything that a row refers to is there, so that no later read fails half-way through a run.</summary>
    void Check(long latentElements)
    {
        var (samples, captions) = (offsets.Length, captionSamples.Length);
        var teacherRows = Rows(CacheNames.TeacherSequence, Shape.TeacherTokens * (long)Shape.TeacherChannels);
        var isWhole = latents.Length == samples && sizes.Length == 2L * samples && teachers.Length == samples && timeIds.Length == 6L * samples && captionLanguages.Length == captions
            && Scale.Offset.Length == Scale.Scale.Length && Info(CacheNames.LogVar).Elements == latentElements
            && (Shape.PooledChannels == 0 || Rows(CacheNames.TeacherPooled, Shape.PooledChannels) == teacherRows)
            && Rows(CacheNames.StudentHidden, Shape.StudentTokens * (long)Shape.StudentChannels) == captions && Rows(CacheNames.StudentMask, Shape.StudentTokens) == captions
            && Unconditional.StudentMask.Length == Shape.StudentTokens
            && captionSamples.All(sample => sample >= 0 && sample < samples) && captionLanguages.All(language => language >= 0 && language < languages.Length)
            && Table<long>(CacheNames.Dropped, DType.I64).Length == Enum.GetValues<DropReason>().Length;
        for (var row = 0; isWhole && row < samples; row++)
            isWhole = sizes[2 * row] > 0 && sizes[2 * row + 1] > 0 && latents[row] >= 0 && latents[row] <= latentElements - LatentElements(row) && teachers[row] < teacherRows
                && offsets[row] >= 0 && (row == 0 || offsets[row] > offsets[row - 1]);
        if (!isWhole) throw Broken();
    }

    long Rows(string name, long size) => Info(name).Elements / Math.Max(size, 1);

    PeaException Broken() => new($"{file.Path}: damaged: its tables do not fit each other; make it anew with pea cache");
}
