using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public class RewrittenCheckpointTests
{
    static readonly string Source = Path.Combine(Repository.Root, "tests", "golden", "vae", "f4");

    [Theory]
    [InlineData(3, null, null)]
    [InlineData(1, "fp16", null)]
    [InlineData(2, "fp16", null)]
    [InlineData(1, null, DType.F32)]
    [InlineData(1, null, DType.BF16)]
    public void OpensAsTheSameModel(int shards, string? variant, DType? dtype)
    {
        using var folder = new TemporaryFolder();
        var copy = folder.At("vae");
        RewrittenCheckpoint.Copy(Source, copy, shards, variant, dtype);

        using var expected = new GoldenTensors(DiffusersFolder.Open(Source).OpenWeights());
        using var weights = DiffusersFolder.Open(copy).OpenWeights();
        using var actual = new GoldenTensors(weights);

        Assert.Equal(expected.Names.Order(StringComparer.Ordinal), actual.Names.Order(StringComparer.Ordinal));
        Assert.All(weights.Tensors.Values, info => Assert.Equal(dtype ?? DType.F16, info.DType));
        // bfloat16 has 8 significant bits, so the nearest is at most 2^-8 of the value away; the other types hold every half exactly.
        foreach (var name in expected.Names) GoldenTensors.AssertClose(expected[name], actual[name].Values, dtype == DType.BF16 ? 1.0 / 256 : 0);
    }
}
