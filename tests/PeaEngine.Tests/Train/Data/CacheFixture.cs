using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

/// <summary>The first samples of samples/emoji in two shards, the models, and the caches of the shards.</summary>
public sealed class CacheFixture : IDisposable
{
    internal const int SamplesOfAShard = 12;

    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open();

    public CacheFixture()
    {
        for (var shard = 0; shard < 2; shard++)
        {
            var path = Path.Combine(Repository.Root, "samples", "emoji", "data", $"train-000{shard}.tar");
            var end = (int)ShardSample.Read(path).ElementAt(SamplesOfAShard).Offset;
            using var file = File.OpenRead(path);
            var bytes = new byte[end + 1024];
            file.ReadExactly(bytes.AsSpan(0, end));
            File.WriteAllBytes(At($"train-{shard}.tar"), bytes);
        }
        Models = TrainingEncoders.Hash(Teacher, Student, 32);
        Encoders = TrainingEncoders.Load(Teacher, Student, 32, backend);
        Built = [.. Shards.Select(shard => new CacheBuilder(Options, Encoders, Models).Build(shard))];
    }

    internal static PipelineSource Teacher { get; } = new(Path.Combine(Repository.Root, "samples", "emoji", "teacher"));

    internal static string Student { get; } = Path.Combine(Repository.Root, "samples", "emoji", "student");

    internal string Models { get; }

    internal TrainingEncoders Encoders { get; }

    internal IReadOnlyList<BuiltCache> Built { get; }

    internal IReadOnlyList<string> Shards => [At("train-0.tar"), At("train-1.tar")];

    internal DataOptions Options => new()
    {
        Sources = [new([At("train-*.tar")])],
        Languages = ["zh", "it", "ko"],
        BatchSize = 4,
        Buckets = [new(64, 64)],
        ShuffleBuffer = 9,
    };

    internal string At(string name) => folder.At(name);

    public void Dispose()
    {
        Encoders.Dispose();
        backend.Dispose();
        folder.Dispose();
    }
}
