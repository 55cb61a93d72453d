using PeaEngine.Train.Metrics;

namespace PeaEngine.Tests.Train;

public sealed class MetricsLogTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    string Path => folder.At("metrics.jsonl");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EachLineIsInTheFileAtOnce()
    {
        using var log = MetricsLog.Open(Path, 0);
        log.Write(1, new Metric("loss", 0.1 + 0.2), new("learning_rate", 3e-4));
        Assert.Equal("{\"step\":1,\"loss\":0.30000000000000004,\"learning_rate\":0.0003}\n", Text());
        log.Write(2, new Metric("loss", double.NaN), new("grad_norm", double.PositiveInfinity));
        Assert.EndsWith("{\"step\":2,\"loss\":null,\"grad_norm\":null}\n", Text(), StringComparison.Ordinal);
        Assert.Equal([(1, 0.30000000000000004)], log.Read("loss"));
        log.Write(3, new Metric("loss", 0.25));
        Assert.Equal([(1, 0.30000000000000004), (3, 0.25)], log.Read("loss"));
    }

    /// <summary>A run that goes on from step 2 writes steps 3 and on again: each step has one line.</summary>
    [Theory]
    [InlineData(2, "{\"step\":1}\n{\"step\":2}\n")]
    [InlineData(0, "")]
    [InlineData(9, "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n")]
    public void GoingOnTakesOutLaterLinesAndTheTornOne(long steps, string expected)
    {
        folder.Write("metrics.jsonl", "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":4,\"lo");
        using (var log = MetricsLog.Open(Path, steps)) log.Write(steps + 1, new Metric("loss", 1));
        Assert.Equal($"{expected}{{\"step\":{steps + 1},\"loss\":1}}\n", Text());
    }

    [Theory]
    [InlineData("{\"step\":1}\nnothing\n{\"step\":2}\n")]
    [InlineData("{\"step\":1}\n[]\n")]
    [InlineData("{\"step\":1}\n{\"step\":\"2\"}\n")]
    [InlineData("{\"step\":1}\n{}\n")]
    public void WhatIsNoLineEndsTheLog(string text)
    {
        folder.Write("metrics.jsonl", text);
        using var log = MetricsLog.Open(Path, 5);
        Assert.Equal("{\"step\":1}\n", Text());
    }

    [Fact]
    public void AFolderThatIsNotThereIsAnError() =>
        Assert.StartsWith(folder.At("none", "metrics.jsonl") + ": cannot be written: ", Assert.Throws<PeaException>(() => MetricsLog.Open(folder.At("none", "metrics.jsonl"), 0)).Message, StringComparison.Ordinal);

    string Text()
    {
        using var reader = new StreamReader(new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }
}
