using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

/// <summary>The batches of the text-only start, from caches and encoded as they come.</summary>
public sealed class TextBatchesTests(CacheFixture fixture) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Sampling.Shuffled)]
    [InlineData(Sampling.Uniform)]
    public void CachedTextsAreWhatIsEncodedAsItComes(Sampling sampling)
    {
        var options = fixture.Options with { Sampling = sampling };
        using var live = new EncodedBatches(options, fixture.Encoders, 5);
        using var cached = new CachedBatches(options, fixture.Models, null, 5);
        var (expected, actual) = (live.Texts(6), cached.Texts(6));
        var languages = new HashSet<string>();
        for (var step = 0; step < 5; step++)
        {
            var (a, b) = (expected.Next(), actual.Next());
            Assert.Equal((6, a.After.ToJson()), (b.Count, b.After.ToJson()));
            Assert.Equal(a.Places, b.Places);
            Assert.Equal(a.Languages, b.Languages);
            Assert.Equal(a.StudentMask, b.StudentMask);
            Close(a.StudentHidden, b.StudentHidden);
            Close(a.TeacherSequence, b.TeacherSequence);
            Close(a.TeacherPooled, b.TeacherPooled);
            // Every row has a teacher, and a student in a language that was asked for.
            languages.UnionWith(b.Languages);
            for (var row = 0; row < 6; row++) Assert.True(b.Row(b.TeacherPooled, row).IndexOfAnyExcept(0f) >= 0);
        }
        Assert.Equal(["it", "ko", "zh"], languages.Order());

        // Captions that are encoded alone, and together with others.
        static void Close(float[] expected, float[] actual) => GoldenTensors.AssertClose("texts", expected, actual, 1e-4);
    }

    /// <summary>Also where what was encoded has been forgotten: to the bit.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnyRanksGoOnFromAnyPosition(bool isCached)
    {
        using var whole = Open();
        var texts = whole.Texts(4);
        var batches = Enumerable.Range(0, 12).Select(_ => texts.Next()).ToList();
        using IBatches one = Open(0, 3), two = Open(1, 3);
        var (first, second) = (one.Texts(4, Position(5)), two.Texts(4, Position(5)));
        for (var step = 6; step < 12; step++)
        {
            var (a, b) = (first.Next(), second.Next());
            Assert.Equal((2, 1), (a.Count, b.Count));
            Assert.Equal(batches[step].After.ToJson(), a.After.ToJson());
            Same(batches[step], 0, a, 0);
            Same(batches[step], 1, b, 0);
            Same(batches[step], 3, a, 1);
        }

        IBatches Open(int rank = 0, int ranks = 1) => isCached
            ? new CachedBatches(fixture.Options, fixture.Models, null, 5, null, rank, ranks)
            : new EncodedBatches(fixture.Options, fixture.Encoders, 5, null, rank, ranks);

        DataPosition Position(int step) => DataPosition.FromJson(batches[step].After.ToJson(), "test");

        static void Same(TextBatch expected, int i, TextBatch actual, int j)
        {
            Assert.Equal((expected.Places[i], expected.Languages[i]), (actual.Places[j], actual.Languages[j]));
            Assert.True(expected.Row(expected.StudentHidden, i).SequenceEqual(actual.Row(actual.StudentHidden, j)));
            Assert.True(expected.Row(expected.StudentMask, i).SequenceEqual(actual.Row(actual.StudentMask, j)));
            Assert.True(expected.Row(expected.TeacherSequence, i).SequenceEqual(actual.Row(actual.TeacherSequence, j)));
            Assert.True(expected.Row(expected.TeacherPooled, i).SequenceEqual(actual.Row(actual.TeacherPooled, j)));
        }
    }

    [Fact]
    public void TheOrderIsItsOwnAndTheSeeds()
    {
        Assert.Equal(Names(5), Names(5));
        Assert.NotEqual(Names(5), Names(6));
        // The run's own order draws other samples at the same places.
        var run = new BatchOrder<string>(Options("a"), 5, Open, ListedShards.BucketOf, null);
        Assert.NotEqual(Names(5), Enumerable.Range(0, 8).SelectMany(_ => run.Next(default).Samples.Select(drawn => drawn.Sample)));

        List<string> Names(ulong seed)
        {
            var names = new List<string>();
            var order = Order(Options("a"), names, seed);
            for (var step = 0; step < 8; step++) order.Next();
            return names;
        }
    }

    [Fact]
    public void SourcesWithoutATeacherAreLeftOut()
    {
        var names = new List<string>();
        var order = Order(Options("x", "a"), names);
        for (var step = 0; step < 20; step++) Assert.Equal(4, order.Next().Count);
        Assert.Equal(80, names.Count);
        Assert.All(names, name => Assert.StartsWith("a", name, StringComparison.Ordinal));
        Assert.Equal("warm start: no sample has an English caption, expected some; or set warm_start.steps to 0", Assert.Throws<PeaException>(() => Order(Options("x"), names)).Message);
    }

    [Fact]
    public void RefusesMoreRanksThanSamples()
    {
        using var batches = new CachedBatches(fixture.Options, fixture.Models, null, 5, null, 0, 3);
        Assert.Equal("batch size: 2 for 3 ranks, expected one sample for each or more", Assert.Throws<OptionException>(() => batches.Texts(2)).Message);
    }

    /// <summary>One source for each name.</summary>
    DataOptions Options(params string[] sources)
    {
        foreach (var source in sources) folder.Write($"{source}.tar", "");
        return new() { Sources = [.. sources.Select(source => new DataSource([folder.At($"{source}.tar")]))], Languages = ["zh"], BatchSize = 4, ShuffleBuffer = 9 };
    }

    static ListedShards Open(IReadOnlyList<string> shards) => new([.. shards.Select(shard => ListedShards.Shard(Path.GetFileName(shard)[0], 30))]);

    static TextOrder<string> Order(DataOptions options, List<string> names, ulong seed = 5) => new(options, seed, new(4, 8, 1, 1, 0, 1, 1), Open, (name, _, _, _, _) =>
    {
        names.Add(name);
        return "zh";
    }, null, 0, 1);
}
