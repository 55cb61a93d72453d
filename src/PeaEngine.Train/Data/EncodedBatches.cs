using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>Batches whose pictures and captions are encoded as they come.</summary>
public sealed class EncodedBatches : IBatches
{
    readonly DataOptions options;
    readonly ulong seed;
    readonly int rank, ranks;
    readonly Action<string> warn;
    readonly TrainingEncoders encoders;
    readonly PictureBatches pictures;
    readonly ReadAhead<PictureBatch> ahead;
    readonly LatentScale scale;

    /// <summary>Begins, or goes on from a position; see <see cref="PictureBatches"/>.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="encoders">The models; they stay the caller's.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="from">A batch's <see cref="Batch.After"/>, or null.</param>
    /// <param name="rank">Which rank this is.</param>
    /// <param name="ranks">How many there are.</param>
    /// <param name="warn">Told what <see cref="ShardErrors.Skip"/> skips.</param>
    /// <exception cref="OptionException">The configuration is out of range, or a bucket is no multiple of the VAE's factor.</exception>
    /// <exception cref="PeaException">The position is another configuration's, or a shard that is read at once is damaged.</exception>
    public EncodedBatches(DataOptions options, TrainingEncoders encoders, ulong seed, DataPosition? from = null, int rank = 0, int ranks = 1, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(encoders);
        AspectBuckets.CheckFactor(options.Buckets, encoders.Factor);
        (this.options, this.encoders, this.seed, this.rank, this.ranks, this.warn) = (options, encoders, seed, rank, ranks, warn ?? (_ => { }));
        ahead = new(cancellation => pictures!.Next(cancellation), () => pictures!.Dropped, this.warn);
        pictures = new(options, seed, from, rank, ranks, ahead.Tell);
        ahead.Warn();
        scale = new(encoders.LatentScale.Scale, encoders.LatentScale.Offset);
        Unconditional = Encode(encoders);
        Shape = ShapeOf(encoders, Unconditional);
    }

    /// <inheritdoc/>
    public BatchShape Shape { get; }

    /// <inheritdoc/>
    public Unconditional Unconditional { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<DropReason, long> Dropped => ahead.Dropped;

    /// <inheritdoc/>
    public Batch Next(CancellationToken cancellation = default) => Encode(ahead.Next(cancellation), cancellation);

    /// <summary>Reads and decodes; the models encode where they are, in <see cref="Next"/>.</summary>
    public void Ahead() => ahead.Begin();

    /// <summary>The first samples of other shards; see <see cref="FirstSamples.Take"/>.</summary>
    internal IReadOnlyList<Batch> FirstOf(IReadOnlyList<string> shards, int count, int batchSize)
    {
        Batch[] batches = [.. pictures.FirstOf(shards, count, batchSize).Select(batch => Encode(batch, default))];
        ahead.Warn();
        return batches;
    }

    Batch Encode(PictureBatch batch, CancellationToken cancellation)
    {
        var rows = new BatchRows(options, seed, Shape, scale, batch.Samples.Count, batch.Step, batch.Size, batch.After);
        for (var i = 0; i < batch.Samples.Count; i++)
        {
            var (place, _, picture, caption, teacherCaption) = batch.Samples[i];
            rows.SetSample(i, place, caption.Language, picture.TimeIds);
            rows.SetLatents(i, encoders.EncodePicture(picture.Image, cancellation));
            rows.Batch.IsCultural[i] = teacherCaption == null;
            if (teacherCaption == null) continue;
            var teacher = encoders.EncodeTeacher(teacherCaption, cancellation);
            teacher.Sequence.CopyTo(rows.TeacherSequence(i));
            teacher.Pooled?.CopyTo(rows.TeacherPooled(i));
        }
        var student = encoders.EncodeStudent([.. batch.Samples.Select(sample => sample.Caption.Text)], cancellation);
        student.Hidden.CopyTo(rows.Batch.StudentHidden, 0);
        student.Mask.CopyTo(rows.Batch.StudentMask, 0);
        return rows.Batch;
    }

    /// <inheritdoc/>
    public ITextBatches Texts(int batchSize, DataPosition? from = null)
    {
        var known = new RememberedTexts(encoders);
        return new TextOrder<SampleCaptions>(options with { BatchSize = batchSize }, seed, Shape,
            shards => new TextShards<Sample, SampleCaptions>(new TarShards(shards, options, warn), sample => sample.Captions.Teacher == null ? null : sample.Captions, BytesOf), Fill, from, rank, ranks);

        string Fill(SampleCaptions captions, Philox random, TextBatch batch, int row, CancellationToken cancellation)
        {
            var caption = captions.Draw(random);
            var (student, teacher) = (known.Student(caption.Text, cancellation), known.Teacher(captions.Teacher!, cancellation));
            student.Hidden.CopyTo(batch.Row(batch.StudentHidden, row));
            student.Mask.CopyTo(batch.Row(batch.StudentMask, row));
            teacher.Sequence.CopyTo(batch.Row(batch.TeacherSequence, row));
            teacher.Pooled?.CopyTo(batch.Row(batch.TeacherPooled, row));
            return caption.Language;
        }
    }

    /// <summary>Stops reading; the models are the caller's.</summary>
    public void Dispose() => ahead.Dispose();

    static long BytesOf(SampleCaptions captions) => sizeof(char) * (captions.Students.Sum(caption => (long)caption.Text.Length) + captions.Teacher!.Length);

    /// <summary>What the empty text becomes.</summary>
    internal static Unconditional Encode(TrainingEncoders encoders)
    {
        var (teacher, student) = (encoders.EncodeTeacher(""), encoders.EncodeStudent([""]));
        return new(teacher.Sequence, teacher.Pooled ?? [], student.Hidden, student.Mask);
    }

    /// <summary>The sizes of what encoders give.</summary>
    internal static BatchShape ShapeOf(TrainingEncoders encoders, Unconditional unconditional) => new(
        encoders.LatentChannels, encoders.Factor, encoders.TeacherTokens, unconditional.TeacherSequence.Length / encoders.TeacherTokens, unconditional.TeacherPooled.Length,
        encoders.Student.Length, encoders.Student.HiddenSize);
}
