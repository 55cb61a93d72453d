using System.Text;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public sealed class PictureBatchesTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Sampling.Shuffled)]
    [InlineData(Sampling.Uniform)]
    public void AHundredStepsAreFiftyAndFiftyWithAnyRanks(Sampling sampling)
    {
        var options = Write() with { Sampling = sampling };
        var whole = new PictureBatches(options, 3);
        var expected = Enumerable.Range(0, 100).Select(_ => whole.Next()).ToList();
        Assert.Equal(Enumerable.Range(0, 100).Select(step => (long)step), expected.Select(batch => batch.Step));

        var position = DataPosition.FromJson(expected[49].After.ToJson(), "test");
        var ranks = Enumerable.Range(0, 3).Select(rank => new PictureBatches(options, 3, position, rank, 3)).ToList();
        for (var step = 50; step < 100; step++)
        {
            var parts = ranks.ConvertAll(rank => rank.Next());
            Assert.All(parts, part => Assert.Equal((step, expected[step].Size, expected[step].After.ToJson()), (part.Step, part.Size, part.After.ToJson())));
            for (var i = 0; i < options.BatchSize; i++) Same(expected[step].Samples[i], parts[i % 3].Samples[i / 3]);
        }
        Assert.Equal(whole.Dropped, ranks[0].Dropped);
        Assert.Equal([DropReason.NoCaption], whole.Dropped.Keys);
    }

    [Fact]
    public void LanguagesAreDrawnUniformlyOfThoseThatThereAre()
    {
        var batches = new PictureBatches(Write() with { Sampling = Sampling.Uniform, BatchSize = 1 }, 8);
        var languages = Enumerable.Range(0, 3000).SelectMany(_ => batches.Next().Samples).GroupBy(sample => sample.Caption.Language).ToDictionary(group => group.Key, group => group.Count());
        // Of 36 samples 4 have nothing, 4 an original caption alone, 4 only Italian, 24 both.
        Assert.Equal(["it", "ori", "zh"], languages.Keys.Order());
        Assert.InRange(languages["ori"], 3000 / 8 - 90, 3000 / 8 + 90);
        Assert.InRange(languages["zh"], 3000 * 3 / 8 - 135, 3000 * 3 / 8 + 135);
    }

    [Fact]
    public void CaptionsAndPicturesBelongTogether()
    {
        var batches = new PictureBatches(Write(), 8);
        for (var step = 0; step < 20; step++)
            foreach (var sample in batches.Next().Samples)
            {
                var key = sample.Name[(sample.Name.LastIndexOf(" '", StringComparison.Ordinal) + 2)..^1];
                Assert.Equal($"{sample.Caption.Language} {key}", sample.Caption.Text);
                Assert.Equal(sample.Caption.Language == "ori" ? null : $"en {key}", sample.TeacherCaption);
                var picture = PeaEngine.Diffusion.Images.PixelImage.Decode(ShardFiles.Picture(Width(key), Height(key), key), key);
                Assert.Equal([picture.Height, picture.Width], sample.Picture.TimeIds[..2]);
                // These crops need no resize: they are a part of the picture.
                Assert.True(picture.Row((int)sample.Picture.TimeIds[2]).Slice(3 * (int)sample.Picture.TimeIds[3], 48).SequenceEqual(sample.Picture.Image.Row(0)));
            }
    }

    /// <summary>What a server has, and breaks off now and then, is what a file has.</summary>
    [Theory]
    [InlineData(Sampling.Shuffled)]
    [InlineData(Sampling.Uniform)]
    public void AServersShardGivesWhatAFileDoes(Sampling sampling)
    {
        var options = Write() with { Sampling = sampling };
        using var server = new ShardServer(File.ReadAllBytes(folder.At("train-1.tar"))) { BreaksAfter = 9000 };
        var expected = new PictureBatches(options with { Sources = [new([folder.At("train-1.tar")])] }, 3);
        options = options with { Sources = [new([server.Url])] };
        var first = new PictureBatches(options, 3);
        DataPosition? position = null;
        for (var step = 0; step < 12; step++)
        {
            // Half-way from a position.
            if (step == 6) first = new PictureBatches(options, 3, position);
            var (file, actual) = (expected.Next(), first.Next());
            position = actual.After;
            foreach (var (sample, other) in file.Samples.Zip(actual.Samples)) Same(sample with { Name = other.Name }, other);
        }
        Assert.True(server.Requests.Count > 2);
    }

    [Fact]
    public void DamagedSamplesAreNamedOrReplacedAlikeForAllRanks()
    {
        var options = Write(i => i % 6 == 2) with { BatchSize = 6 };
        var raised = new PictureBatches(options, 3);
        Assert.Matches(@"-\d\.tar: byte \d+: sample 's\d+': ", Assert.Throws<PeaException>(() => Enumerable.Range(0, 20).Select(_ => raised.Next()).ToList()).Message);

        options = options with { OnError = ShardErrors.Skip };
        var warnings = new List<string>();
        var whole = new PictureBatches(options, 3, warn: warnings.Add);
        var ranks = Enumerable.Range(0, 2).Select(rank => new PictureBatches(options, 3, null, rank, 2)).ToList();
        for (var step = 0; step < 20; step++)
        {
            var (batch, parts) = (whole.Next(), ranks.ConvertAll(rank => rank.Next()));
            for (var i = 0; i < 6; i++) Same(batch.Samples[i], parts[i % 2].Samples[i / 2]);
            Assert.Equal(6, batch.Samples.Select(sample => sample.Place).Distinct().Count());
        }
        Assert.Equal(warnings.Count, whole.Dropped[DropReason.Damaged]);
        Assert.NotEmpty(warnings);
        Assert.All(warnings, warning => Assert.EndsWith("the sample is skipped", warning, StringComparison.Ordinal));
    }

    [Fact]
    public void BrokenShardsAreNamedOrSkipped()
    {
        var options = Write();
        var shard = folder.At("train-1.tar");
        var tar = File.ReadAllBytes(shard);
        File.WriteAllBytes(shard, tar[..(tar.Length / 2)]);
        var error = Assert.Throws<ShardException>(() => Take(new PictureBatches(options, 3)));
        Assert.Equal(shard, error.Shard);

        var warnings = new List<string>();
        var samples = Take(new PictureBatches(options with { OnError = ShardErrors.Skip }, 3, warn: warnings.Add));
        Assert.Contains(warnings, warning => warning.StartsWith($"{shard}: byte ", StringComparison.Ordinal) && warning.EndsWith("the rest of the shard is skipped", StringComparison.Ordinal));
        Assert.InRange(samples.Count(sample => sample.Name.StartsWith(shard, StringComparison.Ordinal)), 1, 40);

        static List<PictureSample> Take(PictureBatches batches) => [.. Enumerable.Range(0, 30).SelectMany(_ => batches.Next().Samples)];
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 2)]
    [InlineData(0, 5)]
    public void RefusesRanksThatThereAreNot(int rank, int ranks) => Assert.Throws<OptionException>(() => new PictureBatches(Write(), 3, null, rank, ranks));

    [Fact]
    public void RefusesValuesOutOfRange()
    {
        var good = Write();
        foreach (var bad in new[] { good with { Sources = [] }, good with { Sources = [good.Sources[0] with { Weight = 0 }] }, good with { Languages = [] }, good with { Languages = ["zh", "zh"] }, good with { BatchSize = 0 }, good with { ShuffleBuffer = 0 }, good with { Buckets = [] }, good with { Buckets = [new(0, 8)] } })
            Assert.Throws<OptionException>(() => new PictureBatches(bad, 1));
    }

    /// <summary>Three shards of 12 samples in two buckets.</summary>
    DataOptions Write(Func<int, bool>? isDamaged = null)
    {
        for (var shard = 0; shard < 3; shard++)
            File.WriteAllBytes(folder.At($"train-{shard}.tar"), ShardFiles.Tar(Enumerable.Range(12 * shard, 12).SelectMany(i =>
            {
                var key = $"s{i}";
                var picture = ShardFiles.Picture(Width(key), Height(key), key);
                if (isDamaged?.Invoke(i) == true) picture[^20] ^= 1;
                return new[] { ($"{key}.png", picture), ($"{key}.json", Encoding.UTF8.GetBytes(Metadata(key, i))) };
            })));
        return new() { Sources = [new([folder.At("train-{0..2}.tar")])], Languages = ["zh", "it"], BatchSize = 4, Buckets = [new(16, 16), new(24, 16)], ShuffleBuffer = 10 };
    }

    static string Metadata(string key, int i) => (i % 9) switch
    {
        0 => """{"caption_en": "e"}""",
        1 => $$"""{"caption_ori": "ori {{key}}"}""",
        2 => $$"""{"caption_it": "it {{key}}", "caption_en": "en {{key}}"}""",
        _ => $$"""{"caption_it": "it {{key}}", "caption_zh": "zh {{key}}", "caption_en": "en {{key}}"}""",
    };

    static int Width(string key) => key.EndsWith('7') ? 16 : 19;

    static int Height(string key) => key.EndsWith('7') ? 24 : 16;

    static void Same(PictureSample expected, PictureSample actual)
    {
        Assert.Equal(expected with { Picture = actual.Picture }, actual);
        Assert.Equal(expected.Picture.TimeIds, actual.Picture.TimeIds);
        Assert.True(expected.Picture.Image.Pixels.SequenceEqual(actual.Picture.Image.Pixels));
    }
}
