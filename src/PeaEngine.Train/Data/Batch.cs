using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>Sizes of what a batch holds.</summary>
/// <param name="LatentChannels">Channels of a latent pixel.</param>
/// <param name="Factor">Pixels a latent, both ways.</param>
/// <param name="TeacherTokens">Positions of the teacher's sequence.</param>
/// <param name="TeacherChannels">Its channels.</param>
/// <param name="PooledChannels">Channels of the teacher's pooled embedding, 0 if there is none.</param>
/// <param name="StudentTokens">Positions of the student's states.</param>
/// <param name="StudentChannels">Their channels.</param>
public sealed record BatchShape(int LatentChannels, int Factor, int TeacherTokens, int TeacherChannels, int PooledChannels, int StudentTokens, int StudentChannels);

/// <summary>What the empty text becomes: what text dropout puts in place of a caption's.</summary>
/// <param name="TeacherSequence">[tokens, channels]</param>
/// <param name="TeacherPooled">[channels], empty if there is none.</param>
/// <param name="StudentHidden">[tokens, channels]</param>
/// <param name="StudentMask">[tokens]</param>
public sealed record Unconditional(float[] TeacherSequence, float[] TeacherPooled, float[] StudentHidden, byte[] StudentMask);

/// <summary>One rank's part of a batch, as the UNet and the adapter take it. B is the number of its samples.</summary>
public sealed record Batch
{
    /// <summary>The optimiser step that it is for, counted from 0.</summary>
    public required long Step { get; init; }

    /// <summary>The size of the pictures.</summary>
    public required PixelSize Size { get; init; }

    /// <summary>Each sample's number in the order of training [B]: the position of its random numbers.</summary>
    public required ulong[] Places { get; init; }

    /// <summary>The language of each student's caption [B].</summary>
    public required string[] Languages { get; init; }

    /// <summary>z [B]: whether the caption has no English pair, so that there is no teacher to learn from and its rows are zeros.</summary>
    public required bool[] IsCultural { get; init; }

    /// <summary>[B, C, h, w], scaled for the UNet.</summary>
    public required float[] Latents { get; init; }

    /// <summary>SDXL's micro-conditioning [B, 6]: original height and width, top and left of the crop, height and width.</summary>
    public required float[] TimeIds { get; init; }

    /// <summary>The teacher's encoder_hidden_states [B, tokens, channels].</summary>
    public required float[] TeacherSequence { get; init; }

    /// <summary>The teacher's text_embeds [B, channels]; empty if there are none.</summary>
    public required float[] TeacherPooled { get; init; }

    /// <summary>The student's last hidden state [B, tokens, channels].</summary>
    public required float[] StudentHidden { get; init; }

    /// <summary>[B, tokens]: 1 for a token, 0 for padding.</summary>
    public required byte[] StudentMask { get; init; }

    /// <summary>Where the data stands after the batch: what a checkpoint keeps.</summary>
    public required DataPosition After { get; init; }

    /// <summary>B</summary>
    public int Count => Places.Length;
}

/// <summary>The batches of a training run, one after another; that of a step depends on the seed, the step and the configuration alone.</summary>
public interface IBatches : IDisposable
{
    /// <summary>The sizes of every batch.</summary>
    BatchShape Shape { get; }

    /// <summary>What the empty text becomes.</summary>
    Unconditional Unconditional { get; }

    /// <summary>Samples that were dropped so far, by reason.</summary>
    IReadOnlyDictionary<DropReason, long> Dropped { get; }

    /// <summary>The next batch.</summary>
    /// <exception cref="PeaException">A shard or a sample is damaged, and that is not to be skipped; or nothing can be trained with.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two samples.</exception>
    Batch Next(CancellationToken cancellation = default);

    /// <summary>Begins to read the next batch, as far as that can be done on the host beside other work; <see cref="Next"/> gives it.</summary>
    void Ahead();

    /// <summary>The batches of the text-only start from the same data, in an order of their own.</summary>
    /// <param name="batchSize">Samples of a batch, of all ranks together.</param>
    /// <param name="from">A batch's <see cref="TextBatch.After"/>, or null.</param>
    /// <exception cref="OptionException">There are more ranks than samples of a batch.</exception>
    /// <exception cref="PeaException">No sample has an English caption, a shard is damaged, or the position is another configuration's.</exception>
    ITextBatches Texts(int batchSize, DataPosition? from = null);
}
