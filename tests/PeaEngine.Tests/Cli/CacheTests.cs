using System.Text.RegularExpressions;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Cli;

public sealed class CacheTests : IDisposable
{
    static readonly string[] Arguments = ["--model", CacheFixture.Teacher.Model, "--student", CacheFixture.Student, "--student-length", "32", "--languages", "zh,it"];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WritesCachesOnceAndSaysSo()
    {
        var shard = folder.At("a.tar");
        File.WriteAllBytes(shard, ShardFiles.Samples([("a", 64, 64, """{"caption_zh": "a", "caption_it": "b", "caption_en": "c"}"""), ("b", 70, 64, """{"caption_ori": "o"}"""), ("c", 64, 64, "{}")]));
        var first = CommandLine.Run(["cache", shard, .. Arguments, "--bucket", "64x64"]);
        Assert.Equal((0, ""), (first.Code, first.Error));
        Assert.Matches($@"^wrote {Regex.Escape(shard)}\.cache\.safetensors: 2 samples, 3 captions, \d+\.\d MiB; dropped 1 NoCaption\s*$", first.Output);

        var again = CommandLine.Run(["cache", shard, .. Arguments, "--bucket", "64x64", "--json"]).Json();
        var cache = Assert.Single(again.GetProperty("caches").EnumerateArray());
        Assert.False(cache.GetProperty("is_new").GetBoolean());
        Assert.Equal(3, cache.GetProperty("captions").GetInt32());
        using var batches = new CachedBatches(new() { Sources = [new([shard])], Languages = ["it"], Buckets = [new(64, 64)] }, again.GetProperty("models").GetString()!, null, 1);
        Assert.Equal(1, batches.Next().Count);
    }

    [Theory]
    [InlineData("none.tar", "--bucket", "64x64", "no file none.tar")]
    [InlineData("http://localhost/a.tar", "--bucket", "64x64", "expected a folder for its cache")]
    [InlineData("http://localhost/a.tar", "--bucket", "64", "expected a width and a height, such as 640x640")]
    [InlineData("http://localhost/a.tar", "--output", "nowhere", "no folder nowhere")]
    [InlineData("http://localhost/{a,b}/a.tar", "--output", ".", "would have the same cache")]
    [InlineData("http://localhost/a.tar", "--store", "u8", "expected f16, bf16 or f32")]
    [InlineData("http://localhost/a.tar", "--dtype", "fp16", "dtype: F16 on cpu, expected F32")]
    public void RefusesInOneLine(string shard, string option, string value, string message) => CommandLine.Run(["cache", shard, .. Arguments, option, value]).AssertFails(2, message);

    [Fact]
    public void RefusesThreadsOutOfRange() => CommandLine.Run(["cache", "http://localhost/a.tar", .. Arguments, "--output", folder.Path, "--threads", "0"]).AssertFails(2, "threads: 0, expected 1 to 1024");
}
