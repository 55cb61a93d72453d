using System.Net;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public class HttpShardTests
{
    static readonly byte[] Tar = ShardFiles.Tar(Enumerable.Range(0, 40).SelectMany(i => new[] { ($"{i}.jpg", new byte[5000 + i]), ($"{i}.json", new byte[20]) }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ReadsFromAnySample(bool knowsRanges)
    {
        using var server = new ShardServer(Tar) { KnowsRanges = knowsRanges };
        var samples = ShardSample.Read(server.Url).ToList();
        Assert.Equal(40, samples.Count);
        Assert.Equal(samples.Skip(30).Select(sample => sample.Key), ShardSample.Read(server.Url, samples[30].Offset).Select(sample => sample.Key));
        Assert.Equal([0, samples[30].Offset], server.Requests);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ABrokenConnectionIsMadeAgain(bool knowsRanges)
    {
        // Without ranges only a server that once sends everything helps.
        using var server = new ShardServer(Tar) { KnowsRanges = knowsRanges, BreaksAfter = knowsRanges ? 70_000 : int.MaxValue };
        if (!knowsRanges) server.Refusals.Enqueue(HttpStatusCode.ServiceUnavailable);
        Assert.Equal(40, ShardSample.Read(server.Url).Count());
        Assert.InRange(server.Requests.Count, 2, 10);
    }

    [Fact]
    public void AMissingShardIsNotAskedForTwice()
    {
        using var server = new ShardServer(Tar);
        server.Refusals.Enqueue(HttpStatusCode.NotFound);
        var error = Assert.Throws<ShardException>(() => ShardSample.Read(server.Url).Count());
        Assert.Equal($"{server.Url}: byte 0: the server answers 404 (NotFound)", error.Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public void GivesUpOnAServerThatSendsNothing()
    {
        using var server = new ShardServer(Tar) { BreaksAfter = 0 };
        var error = Assert.Throws<ShardException>(() => ShardSample.Read(server.Url).Count());
        Assert.Equal((server.Url, 0), (error.Shard, error.Offset));
        Assert.Equal(5, server.Requests.Count);
    }
}
