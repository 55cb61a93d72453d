using System.Text.Json;
using System.Text.Json.Nodes;
using PeaEngine.Cli;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Randomness;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Train;
using PeaEngine.Tests.Train.Data;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Cuda;

/// <summary>Commands with <c>--device cuda</c>; <c>pea sample</c> is in <see cref="CudaPipelineTests"/>.</summary>
public sealed class CudaCommandTests : IDisposable
{
    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [NvrtcFact]
    public void ADeviceThatIsNotThereIsNamed()
    {
        OnGpu("sample", "a cat", "--device", "cuda:7", "--output", folder.At("a.png")).AssertFails(ExitCode.Failed, "cuda:7: no such device, expected one of cuda:0 (");
        OnGpu("eval", "--adapter", Path.Combine(Samples, "adapter.safetensors"), "--device", "cuda:7").AssertFails(ExitCode.Failed, "cuda:7: no such device");
        OnGpu("sample", "a cat", "--device", "cuda:x").AssertFails(ExitCode.WrongUsage, "device 'cuda:x': expected cpu, cuda or cuda:N");
        OnGpu("sample", "a cat", "--device", "cuda:local").AssertFails(ExitCode.WrongUsage, "device 'cuda:local': expected cpu, cuda or cuda:N");
        Assert.Empty(folder.Files());
    }

    /// <summary>One case of one split in one language, with latents of 4×4.</summary>
    [NvrtcFact]
    public void AnAdaptersDistanceIsTheOneThatTheCpuMeasures()
    {
        var reference = SmallReference.Write(folder, json =>
        {
            json["data"]!["languages"] = new JsonArray("zh");
            json["evaluation"]!["timesteps"] = new JsonArray(980);
            json["evaluation"]!["cases"]!.AsObject().Remove("unseen");
        });
        var noise = new float[4 * 4 * 4];
        new TorchGenerator(1).Randn(noise);
        SafetensorsWriter.Write(folder.At("evaluation.safetensors"), [TensorContent.FromSingles("noise", [1, 4, 4, 4], noise)]);
        string[] arguments = ["eval", "--adapter", Path.Combine(Samples, "adapter.safetensors"), "--reference", reference, "--json"];
        double expected = Seen(CommandLine.Run(arguments)), actual = Seen(OnGpu([.. arguments, "--device", "cuda"]));
        // In F16, whose predictions are some thousandths off: a quotient of differences, which costs a digit of theirs.
        Assert.Equal(expected, actual, 0.02 * expected);

        static double Seen(CommandLine run)
        {
            Assert.True(run.Code == ExitCode.Done, run.Error);
            return run.Json().GetProperty("seen.zh").GetDouble();
        }
    }

    /// <summary>In F16, of which the cache tells, so that nobody takes it for another.</summary>
    [NvrtcFact]
    public void ACacheKnowsWhatItWasComputedIn()
    {
        string shard = folder.At("a.tar"), other = folder.At("b.tar");
        foreach (var path in new[] { shard, other }) File.WriteAllBytes(path, ShardFiles.Samples([("a", 32, 32, """{"caption_zh": "a", "caption_en": "c"}""")]));
        string[] arguments = ["--model", CacheFixture.Teacher.Model, "--student", CacheFixture.Student, "--student-length", "32", "--languages", "zh", "--bucket", "32x32", "--json"];
        Assert.True(Build(CommandLine.Run(["cache", shard, other, .. arguments])).IsNew);
        var options = new DataOptions { Sources = [new([shard, other])], Languages = ["zh"], Buckets = [new(32, 32)] };
        using var onCpu = new CachedBatches(options, Models(), null, 1);
        Assert.Equal(DType.F32, onCpu.Activations);
        var expected = onCpu.Next();

        Assert.True(Build(OnGpu(["cache", shard, .. arguments, "--device", "cuda"])).IsNew);
        Assert.False(Build(OnGpu(["cache", shard, .. arguments, "--device", "cuda", "--dtype", "fp16"])).IsNew);
        Assert.EndsWith("b.tar.cache.safetensors: computed in F32, expected F16, as the first cache; make it anew with pea cache and that --dtype",
            Assert.Throws<PeaException>(() => new CachedBatches(options, Models(), null, 1)).Message, StringComparison.Ordinal);
        using var onGpu = new CachedBatches(options with { Sources = [new([shard])] }, Models(), null, 1);
        Assert.Equal(DType.F16, onGpu.Activations);
        var actual = onGpu.Next();
        // F16 has eleven bits; a text encoder's layers lose a few.
        GoldenTensors.AssertClose("teacher", expected.TeacherSequence, actual.TeacherSequence, 0.02);
        GoldenTensors.AssertClose("student", expected.StudentHidden, actual.StudentHidden, 0.02);
        Assert.NotEqual(expected.StudentHidden, actual.StudentHidden);

        static (bool IsNew, JsonElement All) Build(CommandLine run)
        {
            Assert.True(run.Code == ExitCode.Done, run.Error);
            return (run.Json().GetProperty("caches")[0].GetProperty("is_new").GetBoolean(), run.Json());
        }

        static string Models() => TrainingEncoders.Hash(CacheFixture.Teacher, CacheFixture.Student, 32);
    }

    static CommandLine OnGpu(params string[] arguments) => CommandLine.Run(CudaTestDevice.Devices, arguments);
}
