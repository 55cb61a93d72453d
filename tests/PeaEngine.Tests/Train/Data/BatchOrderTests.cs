using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public sealed class BatchOrderTests : IDisposable
{
    const int Steps = 100;

    readonly TemporaryFolder folder = new();

    public BatchOrderTests()
    {
        foreach (var name in new[] { "a0", "a1", "a2", "b0", "b1" }) folder.Write($"{name}.tar", "");
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Sampling.Shuffled, 7)]
    [InlineData(Sampling.Shuffled, 1000)]
    [InlineData(Sampling.Shuffled, 1)]
    [InlineData(Sampling.Uniform, 1)]
    public void GoesOnFromAnyPosition(Sampling sampling, int shuffleBuffer)
    {
        var options = Options with { Sampling = sampling, ShuffleBuffer = shuffleBuffer };
        var whole = Open(options);
        var (batches, positions) = (new List<string>(), new List<string>());
        for (var step = 0; step < Steps; step++)
        {
            positions.Add(whole.Position.ToJson());
            batches.Add(Next(whole));
        }
        Assert.Equal(Steps, whole.Position.Batches);
        for (var step = 0; step < Steps; step += step is > 10 and < 90 ? 13 : 1)
        {
            var rest = Open(options, from: DataPosition.FromJson(positions[step], "test"));
            Assert.Equal(positions[step], rest.Position.ToJson());
            Assert.Equal(batches.Skip(step).Take(20), Enumerable.Range(0, Math.Min(20, Steps - step)).Select(_ => Next(rest)));
            if (step + 20 < Steps) Assert.Equal(positions[step + 20], rest.Position.ToJson());
        }
        Assert.Equal(whole.Dropped, Continued(options, positions[^1]).Dropped);
    }

    [Fact]
    public void AnEpochHasEachSampleOnce()
    {
        var order = Open(Options with { Sources = [new([At("a*")])], BatchSize = 1, ShuffleBuffer = 9 });
        var all = new[] { ListedShards.Shard('a', 20), ListedShards.Shard('b', 33), ListedShards.Shard('c', 1) }.SelectMany(shard => shard).Where(name => !name.StartsWith('x')).Order().ToList();
        var epochs = Enumerable.Range(0, 4).Select(_ => all.ConvertAll(_ => Sample(order))).ToList();
        Assert.All(epochs, epoch => Assert.Equal(all, epoch.Order()));
        Assert.Equal(4, epochs.Select(epoch => string.Join(' ', epoch)).Distinct().Count());
        // Shards are not always in the same order.
        Assert.True(epochs.Select(epoch => epoch[0][0]).Distinct().Count() > 1);
        Assert.Equal(4 * 5, order.Dropped[DropReason.NoCaption]);
    }

    [Fact]
    public void BatchesAreOfOneBucketAndLoseNothing()
    {
        var order = Open(Options);
        var places = new List<ulong>();
        for (var step = 0; step < Steps; step++)
        {
            var (bucket, samples) = order.Next(default);
            Assert.Equal(Options.BatchSize, samples.Count);
            Assert.All(samples, sample => Assert.Equal(bucket, ListedShards.BucketOf(sample.Sample)));
            Assert.Equal(samples.OrderBy(sample => sample.Place), samples);
            places.AddRange(samples.Select(sample => sample.Place));
        }
        var position = order.Position;
        Assert.InRange(position.Waiting.Count, 0, 3 * (Options.BatchSize - 1));
        Assert.Equal(Enumerable.Range(0, (int)position.Places).Select(place => (ulong)place), places.Concat(position.Waiting.Select(waiting => waiting.Place)).Order());
    }

    [Fact]
    public void SourcesAreDrawnByWeight()
    {
        var order = Open(Options with { Sources = [new([At("a*")], 1), new([At("b*")], 3)], BatchSize = 1 });
        var second = Enumerable.Range(0, 4000).Count(_ => order.Next(default).Samples[0].Location.Source == 1);
        Assert.InRange(second, 3000 - 140, 3000 + 140);
    }

    [Fact]
    public void UniformSamplesAreWithReplacement()
    {
        const int PerSample = 300;
        var order = Open(Options with { Sources = [new([At("b*")])], Sampling = Sampling.Uniform, BatchSize = 1 });
        var times = new Dictionary<string, int>();
        var samples = new[] { ListedShards.Shard('d', 12), ListedShards.Shard('e', 15) }.SelectMany(shard => shard).Count(name => !name.StartsWith('x'));
        for (var i = 0; i < samples * PerSample; i++)
        {
            var sample = Sample(order);
            times[sample] = times.GetValueOrDefault(sample) + 1;
        }
        Assert.Equal(samples, times.Count);
        Assert.InRange(times.Values.Sum(count => Math.Pow(count - PerSample, 2) / PerSample), 0, samples - 1 + 5 * Math.Sqrt(2.0 * samples));
    }

    [Fact]
    public void WhatMemoryDoesNotHoldIsReadAgain()
    {
        var (held, reread) = (new ListedShards(ListedShards.Shard('d', 12)), new ListedShards(ListedShards.Shard('d', 12)) { Bytes = 1L << 29 });
        var (a, b) = (new UniformSource<string>(held, 0, 5), new UniformSource<string>(reread, 0, 5));
        for (var place = 0ul; place < 50; place++) Assert.Equal(a.Next(place), b.Next(place));
        Assert.Equal(12, held.Reads);
        Assert.InRange(reread.Reads, 13, 62);
    }

    [Fact]
    public void SeedsDiffer()
    {
        var (a, b, c) = (Open(Options), Open(Options, seed: 2), Open(Options));
        var batches = Enumerable.Range(0, 5).Select(_ => (Next(a), Next(b), Next(c))).ToList();
        Assert.All(batches, batch => Assert.Equal(batch.Item1, batch.Item3));
        Assert.Contains(batches, batch => batch.Item1 != batch.Item2);
    }

    [Fact]
    public void RefusesThePositionOfAnotherConfiguration()
    {
        var order = Open(Options);
        Next(order);
        foreach (var other in new[] { Options with { BatchSize = 3 }, Options with { Languages = ["it"] }, Options with { Buckets = [new(9, 9), new(8, 8), new(8, 16)] }, Options with { Filter = new() }, Options with { ShuffleBuffer = 8 }, Options with { Sources = [new([At("a*")])] } })
            Assert.Contains("another order", Assert.Throws<PeaException>(() => Open(other, from: order.Position)).Message, StringComparison.Ordinal);
        Assert.Contains("another order", Assert.Throws<PeaException>(() => Open(Options, seed: 2, from: order.Position)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedPositionIsRefusedOrContinues()
    {
        var order = Open(Options);
        for (var i = 0; i < 9; i++) Next(order);
        var good = order.Position.ToJson();
        var random = new System.Random(4);
        var refused = 0;
        for (var i = 0; i < 400; i++)
        {
            var bad = good.ToCharArray();
            for (var j = random.Next(1, 4); j > 0; j--) bad[random.Next(bad.Length)] = random.Next(3) == 0 ? (char)random.Next(' ', 127) : (char)random.Next('0', '9' + 1);
            try
            {
                Next(Open(Options, from: DataPosition.FromJson(new(bad), "position")));
            }
            catch (PeaException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 100, 400);
        Assert.Throws<PeaException>(() => DataPosition.FromJson("null", "position"));
        Assert.Throws<PeaException>(() => DataPosition.FromJson("""{"Sources": null}""", "position"));
    }

    [Theory]
    [InlineData(Sampling.Shuffled)]
    [InlineData(Sampling.Uniform)]
    public void SaysWhyNothingIsLeft(Sampling sampling)
    {
        var options = Options with { Sources = [new([At("a0.tar")])], Sampling = sampling };
        var error = Assert.Throws<PeaException>(() => new BatchOrder<string>(options, 1, _ => new ListedShards(["x1", "x2"]), ListedShards.BucketOf, null).Next(default));
        Assert.Equal("source 0: 1 shards without a sample to train with (2 NoCaption)", error.Message);
        error = Assert.Throws<PeaException>(() => new BatchOrder<string>(options, 1, _ => new ListedShards([[]]), ListedShards.BucketOf, null).Next(default));
        Assert.Contains("(no sample)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CanBeCancelled() => Assert.Throws<OperationCanceledException>(() => Open(Options).Next(new(true)));

    DataOptions Options => new()
    {
        Sources = [new([At("a*")], 2), new([At("b*")])],
        Languages = ["zh"],
        BatchSize = 4,
        Buckets = [new(8, 8), new(8, 16), new(16, 8)],
        ShuffleBuffer = 7,
    };

    static BatchOrder<string> Open(DataOptions options, ulong seed = 1, DataPosition? from = null) => new(options, seed, shards => new ListedShards([.. shards.Select(Listed)]), ListedShards.BucketOf, from);

    static BatchOrder<string> Continued(DataOptions options, string position)
    {
        var order = Open(options, from: DataPosition.FromJson(position, "test"));
        Next(order);
        return order;
    }

    static string[] Listed(string shard) => Path.GetFileName(shard) switch
    {
        "a0.tar" => ListedShards.Shard('a', 20),
        "a1.tar" => ListedShards.Shard('b', 33),
        "a2.tar" => ListedShards.Shard('c', 1),
        "b0.tar" => ListedShards.Shard('d', 12),
        _ => ListedShards.Shard('e', 15),
    };

    static string Next(BatchOrder<string> order) => string.Join(' ', order.Next(default).Samples.Select(sample => $"{sample.Place}:{sample.Location}:{sample.Sample}"));

    static string Sample(BatchOrder<string> order) => order.Next(default).Samples[0].Sample;

    string At(string name) => folder.At(name);
}
