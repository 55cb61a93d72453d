using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class TensorFileTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static byte[] Torch(bool legacy)
    {
        var root = new Dictionary<string, object?> { ["a"] = RawTorchFile.Tensor("0", 1, 0, [1], [1]) };
        return legacy ? RawTorchFile.Legacy(root, ("0", 1, RawTorchFile.Singles(7))) : RawTorchFile.Archive(root, ("data/0", RawTorchFile.Singles(7)));
    }

    static float Value(string path)
    {
        using var tensors = new GoldenTensors(TensorFile.Open(path));
        return tensors["a"].Values.Single();
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model.bin")]
    [InlineData("model")]
    public void TellsByTheContent(string name)
    {
        SafetensorsWriter.Write(folder.At(name), [TensorContent.FromSingles("a", [1], new[] { 7f })]);
        Assert.Equal(7, Value(folder.At(name)));
        foreach (var legacy in new[] { false, true })
        {
            File.WriteAllBytes(folder.At(name), Torch(legacy));
            Assert.Equal(7, Value(folder.At(name)));
        }
    }

    [Theory]
    [InlineData("pytorch_model.bin.index.json")]
    [InlineData("index")]
    public void OpensShardsOfTorchFiles(string name)
    {
        File.WriteAllBytes(folder.At("pytorch_model-00001-of-00001.bin"), Torch(legacy: false));

        Assert.Equal(7, Value(folder.Write(name, """ {"metadata": {}, "weight_map": {"a": "pytorch_model-00001-of-00001.bin"} }""")));
    }

    /// <summary>A header of 640 bytes makes a safetensors file begin as a pickle does.</summary>
    [Fact]
    public void AHeaderThatLooksLikeAPickleIsAHeader()
    {
        var header = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""".PadRight(0x280);

        Assert.Equal(0, Value(RawSafetensors.Write(folder, header, 4)));
    }

    [Fact]
    public void SaysWhatIsNone()
    {
        Assert.Contains("the content is unknown, expected a safetensors file, a torch file or an index", Assert.Throws<PeaException>(() => TensorFile.Open(folder.Write("a.bin", "text"))).Message, StringComparison.Ordinal);
        Assert.Equal("HeaderTooSmall", Assert.Throws<SafetensorsException>(() => TensorFile.Open(folder.Write("a.safetensors", ""))).Rule);
        Assert.Contains("weight_map is missing", Assert.Throws<PeaException>(() => TensorFile.Open(folder.Write("a.json", "{}"))).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<PeaException>(() => TensorFile.Open(folder.At("absent.bin"))).Message, StringComparison.Ordinal);
        Assert.Contains("a folder", Assert.Throws<PeaException>(() => TensorFile.Open(folder.Path)).Message, StringComparison.Ordinal);
    }
}
