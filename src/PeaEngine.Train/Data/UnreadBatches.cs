using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>The sizes of batches whose data is not opened: for runs over a backend that keeps nothing.</summary>
/// <param name="encoders">The models, over such a backend.</param>
sealed class UnreadBatches(TrainingEncoders encoders) : IBatches, ITextBatches
{
    public BatchShape Shape => EncodedBatches.ShapeOf(encoders, Unconditional);

    public Unconditional Unconditional { get; } = EncodedBatches.Encode(encoders);

    public IReadOnlyDictionary<DropReason, long> Dropped { get; } = new Dictionary<DropReason, long>();

    public Batch Next(CancellationToken cancellation = default) => throw new NotSupportedException("the data was not opened");

    public void Ahead() => throw new NotSupportedException("the data was not opened");

    public ITextBatches Texts(int batchSize, DataPosition? from = null) => this;

    TextBatch ITextBatches.Next(CancellationToken cancellation) => throw new NotSupportedException("the data was not opened");

    public void Dispose() { }
}
