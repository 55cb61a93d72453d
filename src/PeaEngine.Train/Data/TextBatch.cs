namespace PeaEngine.Train.Data;

/// <summary>One rank's part of a batch of captions, each with what the teacher makes of the English one. B is the number of its samples.</summary>
public sealed record TextBatch
{
    /// <summary>Rows of zeros.</summary>
    internal TextBatch(int count, BatchShape shape, DataPosition after)
    {
        (Places, Languages, After) = (new ulong[count], new string[count], after);
        TeacherSequence = new float[count * shape.TeacherTokens * shape.TeacherChannels];
        TeacherPooled = new float[count * shape.PooledChannels];
        StudentHidden = new float[count * shape.StudentTokens * shape.StudentChannels];
        StudentMask = new byte[count * shape.StudentTokens];
    }

    /// <summary>Each sample's number in the order [B]: the position of its random numbers.</summary>
    public ulong[] Places { get; }

    /// <summary>The language of each student's caption [B].</summary>
    public string[] Languages { get; }

    /// <summary>The teacher's encoder_hidden_states [B, tokens, channels].</summary>
    public float[] TeacherSequence { get; }

    /// <summary>The teacher's text_embeds [B, channels]; empty if there are none.</summary>
    public float[] TeacherPooled { get; }

    /// <summary>The student's last hidden state [B, tokens, channels].</summary>
    public float[] StudentHidden { get; }

    /// <summary>[B, tokens]: 1 for a token, 0 for padding.</summary>
    public byte[] StudentMask { get; }

    /// <summary>Where the data stands after the batch: what a checkpoint keeps.</summary>
    public DataPosition After { get; }

    /// <summary>B</summary>
    public int Count => Places.Length;

    /// <summary>The part of <paramref name="rows"/>, one of this batch's arrays, that is a sample's.</summary>
    internal Span<T> Row<T>(T[] rows, int row) => rows.AsSpan(row * (rows.Length / Count), rows.Length / Count);
}

/// <summary>
/// Batches for the text-only start: captions alone, no pictures, and only of samples that have a teacher. That of a step depends on the seed, the step
/// and the configuration alone.
/// </summary>
public interface ITextBatches
{
    /// <summary>The next batch.</summary>
    /// <exception cref="PeaException">A shard or a sample is damaged, and that is not to be skipped; or nothing can be trained with.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two samples.</exception>
    TextBatch Next(CancellationToken cancellation = default);
}
