using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>Shards that are drawn from together.</summary>
/// <param name="Shards">Files, globs, brace ranges and http(s) URLs; see <see cref="ShardList"/>.</param>
/// <param name="Weight">How often it is drawn from, over the sum of all sources' weights.</param>
public sealed record DataSource(IReadOnlyList<string> Shards, double Weight = 1);

/// <summary>How samples follow one another.</summary>
public enum Sampling
{
    /// <summary>Epoch after epoch: shards in a random order, read as a stream through a shuffle buffer.</summary>
    Shuffled,

    /// <summary>Each drawn from all samples of its source, uniformly and with replacement; for data whose places fit in memory.</summary>
    Uniform,
}

/// <summary>What is done about a shard or a sample that is damaged.</summary>
public enum ShardErrors
{
    /// <summary>The run ends with an error that names shard and byte.</summary>
    Raise,

    /// <summary>It is told of, and the next shard or sample is taken.</summary>
    Skip,
}

/// <summary>What is trained with, in which order.</summary>
public sealed record DataOptions
{
    /// <summary>Where samples come from.</summary>
    public IReadOnlyList<DataSource> Sources { get; init; } = [];

    /// <summary>The languages of the student's captions: <c>zh</c> takes <c>caption_zh</c>. Of those that a sample has, one is drawn uniformly.</summary>
    public IReadOnlyList<string> Languages { get; init; } = [];

    /// <summary>Samples of a batch, of all ranks together.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>The sizes of pictures, multiples of the VAE's factor.</summary>
    public IReadOnlyList<PixelSize> Buckets { get; init; } = AspectBuckets.Published;

    /// <summary>How samples follow one another.</summary>
    public Sampling Sampling { get; init; }

    /// <summary>Samples that are read before they are drawn from in random order, a source.</summary>
    public int ShuffleBuffer { get; init; } = 1000;

    /// <summary>What pictures' latents are.</summary>
    public LatentSampling Latents { get; init; }

    /// <summary>What is done about damage.</summary>
    public ShardErrors OnError { get; init; }

    /// <summary>What samples must pass, or null.</summary>
    public SampleFilter? Filter { get; init; }

    /// <summary>Checks what can be checked without the shards.</summary>
    /// <exception cref="OptionException">A value is out of range.</exception>
    public void Validate()
    {
        if (Sources.Count == 0) throw new OptionException("sources: none, expected one or more");
        foreach (var source in Sources)
            if (!double.IsFinite(source.Weight) || source.Weight <= 0) throw new OptionException($"weight: {source.Weight}, expected a positive number");
        if (Languages.Count == 0) throw new OptionException("languages: none, expected one or more, such as zh");
        if (Languages.Distinct().Count() != Languages.Count) throw new OptionException($"languages: {string.Join(", ", Languages)}, expected each once");
        if (BatchSize < 1) throw new OptionException($"batch size: {BatchSize}, expected 1 or more");
        if (ShuffleBuffer < 1) throw new OptionException($"shuffle buffer: {ShuffleBuffer}, expected 1 or more");
        _ = new AspectBuckets(Buckets);
    }

    /// <summary>Checks that every rank has a sample of each batch.</summary>
    /// <exception cref="OptionException">There is no such rank, or there are more ranks than samples.</exception>
    internal void CheckRank(int rank, int ranks)
    {
        if (ranks < 1 || rank < 0 || rank >= ranks) throw new OptionException($"rank: {rank} of {ranks}, expected 0 to {ranks - 1}");
        if (BatchSize < ranks) throw new OptionException($"batch size: {BatchSize} for {ranks} ranks, expected one sample for each or more");
    }
}
