using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>Fills a row of a batch with a sample's texts, in a language that is drawn from <paramref name="random"/>; gives the language.</summary>
delegate string FillTexts<T>(T sample, Philox random, TextBatch batch, int row, CancellationToken cancellation);

/// <summary>The order of the text-only start: the samples of a run's data that have a teacher, whatever the size of their pictures, by a seed of its own.</summary>
sealed class TextOrder<T> : ITextBatches where T : class
{
    readonly BatchShape shape;
    readonly FillTexts<T> fill;
    readonly BatchOrder<T> order;
    readonly ulong seed;
    readonly int rank, ranks;

    /// <summary>Begins, or goes on from a position.</summary>
    /// <param name="options">The run's data, with the samples of a step of the text-only start.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="shape">The sizes of the batches.</param>
    /// <param name="open">The samples of a source's shards, those without a teacher dropped.</param>
    /// <param name="fill">Takes a sample into a batch.</param>
    /// <param name="from">A batch's <see cref="TextBatch.After"/>, or null.</param>
    /// <param name="rank">Which rank this is.</param>
    /// <param name="ranks">How many there are.</param>
    /// <exception cref="PeaException">No sample has a teacher, a shard is damaged, or the position is another configuration's.</exception>
    public TextOrder(DataOptions options, ulong seed, BatchShape shape, Func<IReadOnlyList<string>, ISampleShards<T>> open, FillTexts<T> fill, DataPosition? from, int rank, int ranks)
    {
        options.CheckRank(rank, ranks);
        (this.shape, this.fill, this.rank, this.ranks) = (shape, fill, rank, ranks);
        var own = new Philox(seed, (uint)RandomStream.WarmStart, 0);
        this.seed = (ulong)own.Next32() << 32 | own.Next32();
        // A source of captions of one culture alone is part of many a run: there is nothing to draw from it here.
        var taught = options.Sources.Where(source => IsTaught(open(ShardList.Expand(source.Shards)))).ToList();
        if (taught.Count == 0) throw new PeaException("warm start: no sample has an English caption, expected some; or set warm_start.steps to 0");
        order = new(options with { Sources = taught }, this.seed, open, _ => 0, from);
    }

    /// <inheritdoc/>
    public TextBatch Next(CancellationToken cancellation = default)
    {
        var (_, drawn) = order.Next(cancellation);
        var batch = new TextBatch((drawn.Count - rank + ranks - 1) / ranks, shape, order.Position);
        for (var row = 0; row < batch.Count; row++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (place, _, sample) = drawn[rank + row * ranks];
            batch.Places[row] = place;
            batch.Languages[row] = fill(sample, new Philox(seed, (uint)RandomStream.Language, place), batch, row, cancellation);
        }
        return batch;
    }

    static bool IsTaught(ISampleShards<T> shards) => Enumerable.Range(0, shards.Count).Any(shard => shards.Read(shard, 0).Any(item => item.Sample != null));
}
