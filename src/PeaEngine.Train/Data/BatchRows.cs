using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>A batch while its rows are filled in.</summary>
sealed class BatchRows
{
    readonly DataOptions options;
    readonly ulong seed;
    readonly BatchShape shape;
    readonly LatentScale scale;
    readonly int latentElements;

    /// <summary>Rows of zeros.</summary>
    public BatchRows(DataOptions options, ulong seed, BatchShape shape, LatentScale scale, int count, long step, PixelSize size, DataPosition after)
    {
        (this.options, this.seed, this.shape, this.scale) = (options, seed, shape, scale);
        latentElements = shape.LatentChannels * (size.Height / shape.Factor) * (size.Width / shape.Factor);
        Batch = new()
        {
            Step = step,
            Size = size,
            Places = new ulong[count],
            Languages = new string[count],
            IsCultural = new bool[count],
            Latents = new float[count * latentElements],
            TimeIds = new float[count * 6],
            TeacherSequence = new float[count * shape.TeacherTokens * shape.TeacherChannels],
            TeacherPooled = new float[count * shape.PooledChannels],
            StudentHidden = new float[count * shape.StudentTokens * shape.StudentChannels],
            StudentMask = new byte[count * shape.StudentTokens],
            After = after,
        };
    }

    /// <summary>The batch.</summary>
    public Batch Batch { get; }

    /// <summary>Fills in who a row is.</summary>
    public void SetSample(int row, ulong place, string language, ReadOnlySpan<float> timeIds)
    {
        (Batch.Places[row], Batch.Languages[row]) = (place, language);
        timeIds.CopyTo(Batch.TimeIds.AsSpan(row * 6));
    }

    /// <summary>Fills in a row's latents.</summary>
    public void SetLatents(int row, LatentMoments moments) =>
        scale.Apply(moments, options.Latents, seed, Batch.Places[row], Batch.Latents.AsSpan(row * latentElements, latentElements));

    /// <summary>A row of the teacher's sequence, to be filled in.</summary>
    public Span<float> TeacherSequence(int row) => Row(Batch.TeacherSequence, row, shape.TeacherTokens * shape.TeacherChannels);

    /// <summary>A row of the teacher's pooled embedding, to be filled in.</summary>
    public Span<float> TeacherPooled(int row) => Row(Batch.TeacherPooled, row, shape.PooledChannels);

    /// <summary>A row of the student's states, to be filled in.</summary>
    public Span<float> StudentHidden(int row) => Row(Batch.StudentHidden, row, shape.StudentTokens * shape.StudentChannels);

    /// <summary>A row of the student's mask, to be filled in.</summary>
    public Span<byte> StudentMask(int row) => Row(Batch.StudentMask, row, shape.StudentTokens);

    static Span<T> Row<T>(T[] rows, int row, int size) => rows.AsSpan(row * size, size);
}
