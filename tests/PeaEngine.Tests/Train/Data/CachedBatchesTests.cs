using System.Text;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public sealed class CachedBatchesTests(CacheFixture fixture) : IClassFixture<CacheFixture>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Sampling.Shuffled, LatentSampling.Sample)]
    [InlineData(Sampling.Uniform, LatentSampling.Mean)]
    public void AreWhatIsEncodedAsItComes(Sampling sampling, LatentSampling latents)
    {
        var options = fixture.Options with { Sampling = sampling, Latents = latents };
        using var live = new EncodedBatches(options, fixture.Encoders, 5);
        using var cached = new CachedBatches(options, fixture.Models, null, 5);
        Assert.Equal(new(4, 4, 32, 320, 192, 32, 384), live.Shape);
        Assert.Equal(live.Shape, cached.Shape);
        Close(live.Unconditional.TeacherSequence, cached.Unconditional.TeacherSequence);
        Close(live.Unconditional.StudentHidden, cached.Unconditional.StudentHidden);
        Assert.Equal(live.Unconditional.StudentMask, cached.Unconditional.StudentMask);
        var culturals = 0;
        for (var step = 0; step < 6; step++)
        {
            var (expected, actual) = (live.Next(), cached.Next());
            Assert.Equal((step, 4, new PixelSize(64, 64), expected.After.ToJson()), (actual.Step, actual.Count, actual.Size, actual.After.ToJson()));
            Assert.Equal(expected.Places, actual.Places);
            Assert.Equal(expected.Languages, actual.Languages);
            Assert.Equal(expected.IsCultural, actual.IsCultural);
            Assert.Equal(expected.TimeIds, actual.TimeIds);
            Assert.Equal(expected.StudentMask, actual.StudentMask);
            Close(expected.Latents, actual.Latents);
            Close(expected.TeacherSequence, actual.TeacherSequence);
            Close(expected.TeacherPooled, actual.TeacherPooled);
            Close(expected.StudentHidden, actual.StudentHidden);
            for (var i = 0; i < 4; i++)
            {
                Assert.Equal([64, 64, 0, 0, 64, 64], actual.TimeIds.AsSpan(6 * i, 6).ToArray());
                Assert.Equal(actual.IsCultural[i], actual.Languages[i] == "ori");
                Assert.Equal(actual.IsCultural[i], actual.TeacherPooled.AsSpan(192 * i, 192).IndexOfAnyExcept(0f) < 0);
                culturals += actual.IsCultural[i] ? 1 : 0;
            }
        }
        // Six batches are an epoch.
        if (sampling == Sampling.Shuffled) Assert.InRange(culturals, 1, 12);
    }

    [Theory]
    [InlineData(Sampling.Shuffled)]
    [InlineData(Sampling.Uniform)]
    public void AHundredStepsAreFiftyAndFiftyWithAnyRanks(Sampling sampling)
    {
        var options = fixture.Options with { Sampling = sampling };
        using var whole = new CachedBatches(options, fixture.Models, null, 5);
        var batches = Enumerable.Range(0, 100).Select(_ => whole.Next()).ToList();
        var position = DataPosition.FromJson(batches[49].After.ToJson(), "test");
        using var first = new CachedBatches(options, fixture.Models, null, 5, position, 0, 3);
        using var second = new CachedBatches(options, fixture.Models, null, 5, position, 1, 3);
        for (var step = 50; step < 100; step++)
        {
            var (a, b) = (first.Next(), second.Next());
            Assert.Equal((2, 1), (a.Count, b.Count));
            Assert.Equal(batches[step].After.ToJson(), a.After.ToJson());
            Same(batches[step], 0, a, 0);
            Same(batches[step], 1, b, 0);
            Same(batches[step], 3, a, 1);
        }

        static void Same(Batch expected, int i, Batch actual, int j)
        {
            Assert.Equal((expected.Step, expected.Places[i], expected.Languages[i], expected.IsCultural[i]), (actual.Step, actual.Places[j], actual.Languages[j], actual.IsCultural[j]));
            Assert.True(Row(expected.Latents, expected, i).SequenceEqual(Row(actual.Latents, actual, j)));
            Assert.True(Row(expected.StudentHidden, expected, i).SequenceEqual(Row(actual.StudentHidden, actual, j)));
            Assert.True(Row(expected.TeacherSequence, expected, i).SequenceEqual(Row(actual.TeacherSequence, actual, j)));
        }

        static Span<float> Row(float[] rows, Batch batch, int i) => rows.AsSpan(rows.Length / batch.Count * i, rows.Length / batch.Count);
    }

    [Fact]
    public void HalvesAreRoundedSingles()
    {
        var options = fixture.Options with { Sources = [new([fixture.Shards[0]])] };
        var built = new CacheBuilder(options, fixture.Encoders, fixture.Models, folder.Path, DType.F16).Build(fixture.Shards[0]);
        Assert.InRange(built.Bytes, fixture.Built[0].Bytes / 2, fixture.Built[0].Bytes * 6 / 10);
        using var singles = new CachedBatches(options, fixture.Models, null, 5);
        using var halves = new CachedBatches(options, fixture.Models, folder.Path, 5);
        var (expected, actual) = (singles.Next(), halves.Next());
        Assert.Equal(expected.StudentHidden.Select(value => (float)(Half)value), actual.StudentHidden);
        Assert.Equal(expected.TeacherPooled.Select(value => (float)(Half)value), actual.TeacherPooled);
    }

    [Fact]
    public void StaleCachesAreRefused()
    {
        Refused(fixture.Options, "other", "other models, or another student length");
        Refused(fixture.Options with { Buckets = [new(64, 64), new(64, 128)] }, fixture.Models, "other buckets");
        Refused(fixture.Options with { Filter = new() }, fixture.Models, "another filter");
        Assert.Contains("languages: ja, but ", Assert.Throws<OptionException>(() => new CachedBatches(fixture.Options with { Languages = ["ja"] }, fixture.Models, null, 5)).Message, StringComparison.Ordinal);

        // A shard that is another than the cache was made of.
        var shard = Copy(fixture.Shards[0]);
        using (var file = File.OpenWrite(shard)) file.SetLength(file.Length + 512);
        Refused(fixture.Options with { Sources = [new([shard])] }, fixture.Models, "another shard");
        File.Delete(shard + CacheKey.Ending);
        var error = Assert.Throws<PeaException>(() => new CachedBatches(fixture.Options with { Sources = [new([shard])] }, fixture.Models, null, 5));
        Assert.Equal($"{shard}{CacheKey.Ending}: no such file, expected the cache of {shard}: make it with pea cache", error.Message);

        static void Refused(DataOptions options, string models, string what)
        {
            var error = Assert.Throws<PeaException>(() => new CachedBatches(options, models, null, 5));
            Assert.Contains($"{CacheKey.Ending}: stale: made with {what} (", error.Message, StringComparison.Ordinal);
            Assert.EndsWith("make it anew with pea cache", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ACurrentCacheStaysAndAStaleOneIsReplaced()
    {
        var shard = Copy(fixture.Shards[0]);
        var options = fixture.Options with { Sources = [new([shard])] };
        Assert.False(new CacheBuilder(options, fixture.Encoders, fixture.Models).Build(shard).IsNew);
        var fewer = options with { Languages = ["it"] };
        var rebuilt = new CacheBuilder(fewer, fixture.Encoders, fixture.Models).Build(shard);
        Assert.True(rebuilt.IsNew);
        Assert.Equal(fixture.Built[0].Samples, rebuilt.Samples);
        Assert.InRange(rebuilt.Captions, rebuilt.Samples, fixture.Built[0].Captions - rebuilt.Samples);
        Assert.True(new CacheBuilder(fewer, fixture.Encoders, "other").Build(shard).IsNew);
        using var batches = new CachedBatches(fewer, "other", null, 1);
        Assert.All(batches.Next().Languages, language => Assert.True(language is "it" or "ori"));
        Assert.Equal(["train-0.tar", $"train-0.tar{CacheKey.Ending}"], folder.Files());
    }

    [Fact]
    public void WhatIsDamagedIsDroppedAndCounted()
    {
        var picture = ShardFiles.Picture(64, 64, "x");
        var damaged = (byte[])picture.Clone();
        damaged[^20] ^= 1;
        var good = Encoding.UTF8.GetBytes("""{"caption_ori": "o"}""");
        var shard = folder.At("bad.tar");
        File.WriteAllBytes(shard, ShardFiles.Tar([("a.png", picture), ("a.json", good), ("b.png", damaged), ("b.json", good), ("c.png", picture), ("c.json", "{}"u8.ToArray()), ("d.png", picture)]));
        var options = fixture.Options with { Sources = [new([shard])], BatchSize = 1 };
        Assert.Contains("sample 'b'", Assert.Throws<PeaException>(() => new CacheBuilder(options, fixture.Encoders, fixture.Models).Build(shard)).Message, StringComparison.Ordinal);
        Assert.Equal(["bad.tar"], folder.Files());

        options = options with { OnError = ShardErrors.Skip };
        var warnings = new List<string>();
        var built = new CacheBuilder(options, fixture.Encoders, fixture.Models, warn: warnings.Add).Build(shard);
        var expected = new Dictionary<DropReason, long> { [DropReason.Damaged] = 1, [DropReason.NoCaption] = 1, [DropReason.NoMetadata] = 1 };
        Assert.Equal(1, built.Samples);
        Assert.Equal(expected.OrderBy(pair => pair.Key), built.Dropped.OrderBy(pair => pair.Key));
        Assert.Single(warnings);
        using var batches = new CachedBatches(options, fixture.Models, null, 1);
        Assert.Equal("ori", batches.Next().Languages[0]);
        Assert.Equal(expected.OrderBy(pair => pair.Key), batches.Dropped.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void DamagedCachesAreReadOrRefused()
    {
        var shard = Copy(fixture.Shards[0]);
        var options = fixture.Options with { Sources = [new([shard])] };
        var good = File.ReadAllBytes(shard + CacheKey.Ending);
        var random = new System.Random(2);
        var refused = 0;
        for (var i = 0; i < 60; i++)
        {
            var bad = (byte[])good.Clone();
            // The header and the tables at the beginning, where damage is more than another number.
            for (var j = random.Next(1, 5); j > 0; j--) bad[random.Next(4000)] = (byte)random.Next(256);
            File.WriteAllBytes(shard + CacheKey.Ending, random.Next(5) == 0 ? bad[..random.Next(bad.Length)] : bad);
            try
            {
                using var batches = new CachedBatches(options, fixture.Models, null, 5);
                for (var step = 0; step < 3; step++) batches.Next();
            }
            catch (PeaException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 20, 60);
    }

    [Fact]
    public void TheHashIsThatOfEveryFile()
    {
        Assert.Matches("^[0-9a-f]{64}$", fixture.Models);
        Assert.Equal(fixture.Models, TrainingEncoders.Hash(CacheFixture.Teacher, CacheFixture.Student, 32));
        Assert.NotEqual(fixture.Models, TrainingEncoders.Hash(CacheFixture.Teacher, CacheFixture.Student, null));
        foreach (var file in Directory.GetFiles(CacheFixture.Student)) File.CreateSymbolicLink(folder.At(Path.GetFileName(file)), file);
        Assert.Equal(fixture.Models, TrainingEncoders.Hash(CacheFixture.Teacher, folder.Path, 32));
        var config = File.ReadAllText(folder.At("tokenizer_config.json"));
        File.Delete(folder.At("tokenizer_config.json"));
        folder.Write("tokenizer_config.json", config + " ");
        Assert.NotEqual(fixture.Models, TrainingEncoders.Hash(CacheFixture.Teacher, folder.Path, 32));
    }

    /// <summary>A run takes them from the pipeline that it trains through, and loads the student alone.</summary>
    [Fact]
    public void APipelinesEncodersAreTheSame()
    {
        using var backend = Device.Open();
        using var pipeline = DiffusionPipeline.Load(CacheFixture.Teacher, backend);
        using var encoders = TrainingEncoders.Load(pipeline, CacheFixture.Student, 32);
        Assert.Equal((fixture.Encoders.TeacherTokens, fixture.Encoders.Factor, encoders.Student.WeightBytes), (encoders.TeacherTokens, encoders.Factor, encoders.WeightBytes));
        foreach (var caption in (string[])["tiger face, flat icon", ""])
        {
            Assert.Equal(fixture.Encoders.EncodeTeacher(caption).Sequence, encoders.EncodeTeacher(caption).Sequence);
            Assert.Equal(fixture.Encoders.EncodeTeacher(caption).Pooled, encoders.EncodeTeacher(caption).Pooled);
        }
        var picture = PixelImage.Decode(ShardFiles.Picture(64, 64, "x"), "test");
        Assert.Equal(fixture.Encoders.EncodePicture(picture).Mean, encoders.EncodePicture(picture).Mean);
    }

    [Fact]
    public void BucketsMustBeMultiplesOfTheFactor()
    {
        var options = fixture.Options with { Buckets = [new(64, 66)] };
        Assert.Equal("buckets: 66x64, expected multiples of the VAE's 4", Assert.Throws<OptionException>(() => new CacheBuilder(options, fixture.Encoders, "")).Message);
        Assert.Throws<OptionException>(() => new EncodedBatches(options, fixture.Encoders, 1));
        Assert.Throws<PeaException>(() => fixture.Encoders.EncodePicture(new PixelImage(66, 64)));
    }

    [Fact]
    public void TheCacheOfAServersShardNeedsAFolder()
    {
        Assert.Equal(Path.Combine("f", "a.tar.cache.safetensors"), CacheKey.PathOf("https://h/x/a.tar?b=c", "f"));
        Assert.Throws<OptionException>(() => CacheKey.PathOf("https://h/x/a.tar", null));
        Assert.Equal(Path.Combine("x", "a.tar.cache.safetensors"), CacheKey.PathOf(Path.Combine("x", "a.tar"), null));
    }

    /// <summary>A shard with its cache, to be changed.</summary>
    string Copy(string shard)
    {
        var copy = folder.At(Path.GetFileName(shard));
        File.Copy(shard, copy);
        File.Copy(shard + CacheKey.Ending, copy + CacheKey.Ending);
        return copy;
    }

    /// <summary>The same to the rounding of sums in another order: batches of another size may add otherwise.</summary>
    static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        var bound = 1e-5f * expected.Max(MathF.Abs);
        for (var i = 0; i < expected.Length; i++)
            if (!(MathF.Abs(expected[i] - actual[i]) <= bound)) Assert.Fail($"element {i}: {actual[i]}, expected {expected[i]} to {bound}");
    }
}
