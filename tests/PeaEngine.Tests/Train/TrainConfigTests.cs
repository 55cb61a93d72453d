using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Config;
using PeaEngine.Train.Data;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

public sealed class TrainConfigTests : IDisposable
{
    const string Least = "output: runs/a\nteacher: t\nstudent: s\ndata: {sources: a.tar, languages: zh}\n";

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>What the reference's training of the small model needs to be said.</summary>
    [Fact]
    public void SaysTheReferencesRecipe()
    {
        var config = Load("""
            output: runs/emoji
            teacher: samples/emoji/teacher
            student: samples/emoji/student
            student_length: 32
            adapter: samples/emoji/initial-adapter.safetensors
            steps: 600
            batch_size: 32
            learning_rate: 3e-4
            text_dropout: 0.1
            teacher_uncond: zeros
            drop_pooled: true
            loss:
              logits: 1
              features: 1e-4    # raw
            optimizer: {weight_decay: 0, max_grad_norm: 1.0}
            schedule: {name: polynomial, warmup_steps: 50, learning_rate_end: 0.00001}
            warm_start: {steps: 3000, batch_size: 64, learning_rate: 3.0e-3}
            data:
              sources:
                - samples/emoji/data/train-*.tar
                - shards: ["b-{00..03}.tar", c.tar]
                  weight: 0.5
              languages: [zh, it, ru, ko, ja]
              buckets: [64x64, 96x64]
              sampling: uniform
              on_error: skip
              filter: {min_aesthetic: 5}
            """);
        Assert.Equal(("runs/emoji", 32, 600, 3e-4, "samples/emoji/initial-adapter.safetensors"), (config.Output, config.StudentLength, config.Steps, config.LearningRate, config.Adapter));
        Assert.Equal((TeacherUncond.Zeros, true, 0.1), (config.TeacherUncond, config.DropPooled, config.TextDropout));
        Assert.Equal(new LossConfig { Features = 1e-4 }, config.Loss);
        Assert.Equal(new OptimizerConfig(), config.Optimizer);
        Assert.Equal(new ScheduleConfig { WarmupSteps = 50, LearningRateEnd = 1e-5 }, config.Schedule);
        Assert.Equal(new WarmStartConfig { Steps = 3000 }, config.WarmStart);
        Assert.Equal(["samples/emoji/data/train-*.tar"], config.Data.Sources[0].Shards);
        Assert.Equal((1, 0.5), (config.Data.Sources[0].Weight, config.Data.Sources[1].Weight));
        Assert.Equal(["b-{00..03}.tar", "c.tar"], config.Data.Sources[1].Shards);
        Assert.Equal(["zh", "it", "ru", "ko", "ja"], config.Data.Languages);
        Assert.Equal([new PixelSize(64, 64), new(64, 96)], config.Data.Buckets);
        Assert.Equal((32, Sampling.Uniform, ShardErrors.Skip, new SampleFilter { MinAesthetic = 5 }), (config.Data.BatchSize, config.Data.Sampling, config.Data.OnError, config.Data.Filter));
    }

    [Fact]
    public void WhatIsNotSaidIsTheDefault()
    {
        var config = Load(Least);
        Assert.Equal(TrainConfigFile.Write(new TrainConfig { Output = "runs/a", Teacher = "t", Student = "s", Data = new() { BatchSize = 32, Sources = [new(["a.tar"])], Languages = ["zh"] } }),
            TrainConfigFile.Write(config));
        Assert.Equal((32, 1e-4, 0.1, LossMode.Hybrid, TrainTarget.Adapter), (config.Data.BatchSize, config.LearningRate, config.Loss.Features, config.Mode, config.Train));
    }

    /// <summary>A short run of a long one's file, as for a trial: its steps may be fewer than the warm-up's, its rate below the end's.</summary>
    [Fact]
    public void TheSamplesFileTakesAnyNumberOfSteps()
    {
        var config = TrainConfig.Load(Path.Combine(Repository.Root, "samples", "emoji", "train.yaml"), ["steps=3", "learning_rate=1e-6", "output=x"]);
        Assert.Equal((3, 1e-6, 50, 1e-4, TeacherUncond.Zeros), (config.Steps, config.LearningRate, config.Schedule.WarmupSteps, config.Loss.Features, config.TeacherUncond));
    }

    /// <summary>The run from fresh weights distils as the one from the initial adapter does.</summary>
    [Fact]
    public void TheSamplesFilesDifferInHowTheyBeginAlone()
    {
        var fresh = TrainConfig.Load(Path.Combine(Repository.Root, "samples", "emoji", "train-from-fresh.yaml"));
        Assert.Equal((null, 3000), (fresh.Adapter, fresh.WarmStart.Steps));
        var given = TrainConfig.Load(Path.Combine(Repository.Root, "samples", "emoji", "train.yaml"));
        Assert.Equal(TrainConfigFile.Write(given with { Output = fresh.Output, Adapter = null, AdapterHidden = [512, 512], WarmStart = fresh.WarmStart, Samples = fresh.Samples }), TrainConfigFile.Write(fresh));
    }

    [Fact]
    public void WhatIsWrittenIsReadBackTheSame()
    {
        var config = Load(Least) with
        {
            Output = "a \"b\": 'c' # 老虎\\\n\t\u0001",
            Vae = "null",
            Seed = ulong.MaxValue,
            LearningRate = 0.1 + 0.2,
            EmaDecay = 0.9999,
            AdapterHidden = [512],
            Train = TrainTarget.CrossAttentionKv,
            Loss = new() { MinSnr = 5, NoiseOffset = 1.0 / 3 },
            Schedule = new() { Name = LearningRateSchedule.Cosine, LearningRateEnd = 5e-324 },
            Samples = new() { Prompts = ["a, b", "{c}", "-", "~", "1"], Size = new(64, 96) },
        };
        config.Save(folder.At("resolved.yaml"));
        var read = TrainConfig.Load(folder.At("resolved.yaml"));
        Assert.Equal((config.Output, config.Vae, config.Seed, config.LearningRate, config.EmaDecay, config.Train, config.Loss, config.Schedule),
            (read.Output, read.Vae, read.Seed, read.LearningRate, read.EmaDecay, read.Train, read.Loss, read.Schedule));
        Assert.Equal(config.Samples.Prompts, read.Samples.Prompts);
        read.Save(folder.At("again.yaml"));
        Assert.Equal(File.ReadAllText(folder.At("resolved.yaml")), File.ReadAllText(folder.At("again.yaml")));
    }

    /// <summary>A row whose get and set were of different members would lose its value here.</summary>
    [Fact]
    public void EveryKeyIsWrittenWhereItIsRead()
    {
        foreach (var key in TrainConfigKeys.All)
        {
            var other = key.Name switch
            {
                "data.filter" => "{min_pixels: 7, min_aesthetic: 5, max_watermark: 0.25}",
                "data.sources" => "[{shards: [\"x\", \"y\"], weight: 2}]",
                _ => ((string[])["7", "0.5", "true", "false", "lora", "kd", "zeros", "cosine", "uniform", "mean", "skip", "8x16", "[8x16]", "[7]", "[\"zh\"]", "\"x\""])
                    .First(text => ReadAndWritten(key, text) == text && key.Write(new()) != text),
            };
            var changed = key.Read(new(), YamlReader.Read(other, "test")!, "test");
            Assert.Equal(other, key.Write(changed));
            Assert.All(TrainConfigKeys.All, unchanged => Assert.True(unchanged == key || unchanged.Write(changed) == unchanged.Write(new()), $"{key.Name} changes {unchanged.Name}"));
        }
        Assert.Equal(TrainConfigKeys.All.Count, TrainConfigKeys.All.Select(key => key.Name).Distinct().Count());
    }

    [Fact]
    public void OverridesComeLastAndTakeTextsAsTheyStand()
    {
        var config = Load(Least, "learning_rate=2e-3", "steps=7", "output=x: [y", "learning_rate=1e-3", "loss.features=0", "data.languages=[it, ru]", "warm_start={steps: 5}", "ema_decay=0.5", "vae=null");
        Assert.Equal((1e-3, 7, "x: [y", 0, 5, 0.5, null), (config.LearningRate, config.Steps, config.Output, config.Loss.Features, config.WarmStart.Steps, config.EmaDecay, config.Vae));
        Assert.Equal(["it", "ru"], config.Data.Languages);
        Assert.EndsWith("data.cache_folder: x, expected null, as data.cache is false", Assert.Throws<OptionException>(() => Load(Least, "data.cache_folder=x")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("learning_rat: 1\n", "FILE:5: unknown key 'learning_rat', expected 'learning_rate' or another of 'pea train --help-config'")]
    [InlineData("optimizer: {lr: 1, beta3: 2}\n", "FILE:5: unknown key 'optimizer.lr', expected 'optimizer.beta1' or another of 'pea train --help-config'")]
    [InlineData("warmup_step: 1\n", "FILE:5: unknown key 'warmup_step', expected 'schedule.warmup_steps' or another of 'pea train --help-config'")]
    [InlineData("learning_rate: -1\n", "FILE:5: learning_rate: '-1', expected a number above 0")]
    [InlineData("learning_rate: nan\n", "FILE:5: learning_rate: 'nan', expected a number above 0")]
    [InlineData("steps: 1.5\n", "FILE:5: steps: '1.5', expected a whole number of 1 or more")]
    [InlineData("steps: 99999999999\n", "FILE:5: steps: '99999999999', expected a whole number of 1 or more")]
    [InlineData("steps:\n", "FILE:5: steps: nothing, expected a whole number of 1 or more")]
    [InlineData("steps: [1, 2]\n", "FILE:5: steps: a list of 2, expected a whole number of 1 or more")]
    [InlineData("mode: fast\n", "FILE:5: mode: 'fast', expected hybrid or kd or diffusion")]
    [InlineData("drop_pooled: yes\n", "FILE:5: drop_pooled: 'yes', expected true or false")]
    [InlineData("text_dropout: 1.1\n", "FILE:5: text_dropout: '1.1', expected a number from 0 to 1")]
    [InlineData("ema_decay: 1\n", "FILE:5: ema_decay: '1', expected a number of 0 or more and below 1, or null")]
    [InlineData("loss: 3\n", "FILE:5: loss: '3', expected a mapping of keys such as 'loss.logits'")]
    [InlineData("samples: {size: 64}\n", "FILE:5: samples.size: '64', expected a size such as 640x640 (width first), or null")]
    [InlineData("validation: {timesteps: [1, 1000]}\n", "FILE:5: validation.timesteps: a list of 2, expected a list of: a whole number from 0 to 999")]
    [InlineData("accumulation: 33\n", "FILE: accumulation: 33, expected at most batch_size, 32")]
    [InlineData("samples: {every: 5}\n", "FILE: samples.prompts: nothing, expected prompts, as samples.every is above 0")]
    [InlineData("validation: {every: 5}\n", "FILE: validation.shards: nothing, expected shards, as validation.every is above 0")]
    [InlineData("train: lora\nwarm_start: {steps: 5}\n", "FILE: warm_start.steps: 5, expected 0, as what is trained is no adapter")]
    public void AWrongKeyOrValueIsNamed(string text, string message) =>
        Assert.Equal(message, Assert.Throws<OptionException>(() => Load(Least + text)).Message.Replace(folder.At("train.yaml"), "FILE", StringComparison.Ordinal));

    [Theory]
    [InlineData("", "output: nothing, expected a text")]
    [InlineData("output: a\nteacher: b\nstudent: c\ndata: {sources: x}\n", "data.languages: nothing, expected a list of: a text")]
    [InlineData("output: a\nteacher: b\nstudent: c\ndata: {languages: x}\n", "data.sources: nothing, expected a list of: shards, or {shards: .., weight: ..} with a number above 0")]
    public void WhatMustBeGivenIsAskedFor(string text, string message) =>
        Assert.Equal($"{folder.At("train.yaml")}: {message}", Assert.Throws<OptionException>(() => Load(text)).Message);

    [Theory]
    [InlineData("a: 'b", 1)]
    [InlineData("seed: 1\nseed: 2\n", 2)]
    [InlineData("a: &x 1\n", 1)]
    [InlineData("seed: &x 1\nsteps: *x\n", 1)]
    [InlineData("seed: !!int 1\n", 1)]
    [InlineData("[a]: 1\n", 1)]
    [InlineData("seed: 1\n---\nseed: 2\n", 2)]
    [InlineData("seed: \"\\q\"\n", 1)]
    [InlineData("a: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", 1)]
    public void WhatIsNoPlainYamlIsRefusedWithItsLine(string text, int line) =>
        Assert.StartsWith($"{folder.At("train.yaml")}:{line}:", Assert.ThrowsAny<PeaException>(() => Load(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void WrongOverridesAreNamed()
    {
        Assert.Equal("--set step=5: unknown key 'step', expected 'steps' or another of 'pea train --help-config'", Assert.Throws<OptionException>(() => Load(Least, "step=5")).Message);
        Assert.Equal("--set steps: expected KEY=VALUE", Assert.Throws<OptionException>(() => Load(Least, "steps")).Message);
        Assert.Equal("--set steps=0: steps: '0', expected a whole number of 1 or more", Assert.Throws<OptionException>(() => Load(Least, "steps=0")).Message);
        Assert.StartsWith("--set data.buckets=[64x64:", Assert.Throws<PeaException>(() => Load(Least, "data.buckets=[64x64")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FilesThatCannotBeReadAreNamed()
    {
        Assert.StartsWith($"{folder.At("none.yaml")}: ", Assert.Throws<PeaException>(() => TrainConfig.Load(folder.At("none.yaml"))).Message, StringComparison.Ordinal);
        File.WriteAllBytes(folder.At("bytes.yaml"), [0x73, 0xff, 0x80]);
        Assert.StartsWith($"{folder.At("bytes.yaml")}: ", Assert.Throws<PeaException>(() => TrainConfig.Load(folder.At("bytes.yaml"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HelpNamesEveryKeyWithItsDefault()
    {
        var help = TrainConfig.Help();
        Assert.All(TrainConfigKeys.All, key => Assert.Contains($"{key.Name}: ", help, StringComparison.Ordinal));
        Assert.Contains("teacher: must be given\n", help, StringComparison.Ordinal);
        Assert.Contains("learning_rate: 0.0001\n    The rate after the warm-up.\n    Value: a number above 0.\n", help, StringComparison.Ordinal);
        Assert.Contains("data.filter: null\n", help, StringComparison.Ordinal);
    }

    /// <summary>Damaged files give one error or a configuration, and never anything else.</summary>
    [Fact]
    public void DamageIsRefusedOrRead()
    {
        var text = TrainConfigFile.Write(Load(Least));
        var random = new Random(1);
        var refused = 0;
        const string marks = "\n :[]{}\"'&*!|>%@`-#,?\t\u0001x1";
        for (var i = 0; i < 1000; i++)
        {
            var damaged = text.ToCharArray();
            for (var hit = random.Next(1, 4); hit > 0; hit--) damaged[random.Next(damaged.Length)] = marks[random.Next(marks.Length)];
            try
            {
                Load(new string(damaged));
            }
            catch (PeaException exception)
            {
                refused++;
                Assert.DoesNotContain('\n', exception.Message);
            }
        }
        Assert.InRange(refused, 300, 1000);
    }

    TrainConfig Load(string text, params string[] overrides) => TrainConfig.Load(folder.Write("train.yaml", text), overrides);

    static string? ReadAndWritten(ConfigKey key, string text)
    {
        try
        {
            return key.Write(key.Read(new(), YamlReader.Read(text, "test")!, "test"));
        }
        catch (OptionException)
        {
            return null;
        }
    }
}
