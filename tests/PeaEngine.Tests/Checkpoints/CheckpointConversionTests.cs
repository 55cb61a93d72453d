using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Checkpoints;

public sealed class CheckpointConversionTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static string Torch(string name) => Path.Combine(Repository.Root, "tests", "golden", "torch-files", "good", name);

    static IReadOnlyList<ConvertedWeights> Run(string from, string to, DType? dtype = null) => CheckpointConversion.Run(from, to, new() { DType = dtype });

    internal static void AssertSame(ITensorSource expected, ITensorSource actual)
    {
        Assert.Equal(expected.Tensors.Keys.Order(StringComparer.Ordinal), actual.Tensors.Keys.Order(StringComparer.Ordinal));
        foreach (var info in expected.Tensors.Values)
        {
            Assert.Equal(info.ToString(), actual.Tensors[info.Name].ToString());
            var (wanted, got) = (new byte[info.Bytes], new byte[info.Bytes]);
            expected.Read(info.Name, 0, wanted);
            actual.Read(info.Name, 0, got);
            Assert.True(wanted.AsSpan().SequenceEqual(got), info.Name);
        }
    }

    [Theory]
    [InlineData("tied.bin")]
    [InlineData("views-legacy.bin")]
    [InlineData("dtypes.pt")]
    [InlineData("lightning.ckpt")]
    public void TorchFilesBecomeSafetensors(string name)
    {
        var to = folder.At("out.safetensors");

        var written = Assert.Single(Run(Torch(name), to));

        using var expected = SafetensorsFile.Open(Torch($"{name}.expected.safetensors"));
        using var file = SafetensorsFile.Open(to);
        AssertSame(expected, file);
        Assert.Equal("pt", Assert.Single(file.Metadata, pair => pair.Key == "format").Value);
        Assert.Equal((to, file.Tensors.Count, file.Tensors.Values.Sum(info => info.Bytes)), (written.Path, written.Tensors, written.Bytes));
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F32)]
    public void FloatingTensorsAreRoundedAndOthersKept(DType dtype)
    {
        Run(Torch("dtypes.pt"), folder.At("out.safetensors"), dtype);

        using var source = TorchFile.Open(Torch("dtypes.pt"));
        using var expected = new GoldenTensors(TorchFile.Open(Torch("dtypes.pt")));
        using var file = SafetensorsFile.Open(folder.At("out.safetensors"));
        using var converted = new GoldenTensors(SafetensorsFile.Open(folder.At("out.safetensors")));
        foreach (var info in source.Tensors.Values)
        {
            Assert.Equal(info.DType.IsFloating() ? dtype : info.DType, file.Tensors[info.Name].DType);
            var (wanted, got) = (expected[info.Name].Values, converted[info.Name].Values);
            // Half a unit in the last place of the type's 11 or 8 bits; integers exactly.
            var tolerance = !info.DType.IsFloating() || dtype == DType.F32 ? 0 : dtype == DType.F16 ? MathF.Pow(2, -11) : MathF.Pow(2, -8);
            for (var i = 0; i < wanted.Length; i++) Assert.InRange(got[i], wanted[i] - tolerance * MathF.Abs(wanted[i]), wanted[i] + tolerance * MathF.Abs(wanted[i]));
        }
    }

    /// <summary>Larger than the pieces that are read and written.</summary>
    [Fact]
    public void LargeTensorsAreConvertedPieceByPiece()
    {
        var values = Enumerable.Range(0, 3_000_001).Select(i => i / 7f).ToArray();
        SafetensorsWriter.Write(folder.At("large.safetensors"), [TensorContent.FromSingles("a", [values.Length], values)], new Dictionary<string, string> { ["note"] = "kept", ["format"] = "np" });

        Run(folder.At("large.safetensors"), folder.At("out.safetensors"), DType.BF16);
        Run(folder.At("out.safetensors"), folder.At("out.safetensors"), DType.F32);

        using var file = SafetensorsFile.Open(folder.At("out.safetensors"));
        using var converted = new GoldenTensors(SafetensorsFile.Open(folder.At("out.safetensors")));
        var bytes = new byte[values.Length * 2];
        HalfConversion.FromSingle(values, DType.BF16, bytes);
        HalfConversion.ToSingle(bytes, DType.BF16, values);
        Assert.Equal(values, converted["a"].Values);
        Assert.Equal(("kept", "np"), (file.Metadata["note"], file.Metadata["format"]));
    }

    /// <summary>There and back, tensors and notes are the same, and so are the bytes.</summary>
    [Fact]
    public void SafetensorsBecomeATorchFileAndComeBack()
    {
        var notes = new Dictionary<string, string> { ["format"] = "pt", ["pooled_mean"] = "masked" };
        SafetensorsWriter.Write(folder.At("a.safetensors"), [TensorContent.FromSingles("b", [3], new float[] { 1, 2, 3 }), TensorContent.FromSingles("a", [1, 2], new float[] { 4, 5 })], notes);

        var written = Assert.Single(Run(folder.At("a.safetensors"), folder.At("a.bin")));
        Run(folder.At("a.bin"), folder.At("again.safetensors"));
        Run(folder.At("a.bin"), folder.At("half.BIN"), DType.F16);

        Assert.Equal((folder.At("a.bin"), 2, 20), (written.Path, written.Tensors, written.Bytes));
        Assert.Equal(File.ReadAllBytes(folder.At("a.safetensors")), File.ReadAllBytes(folder.At("again.safetensors")));
        using var half = TorchFile.Open(folder.At("half.BIN"));
        Assert.All(half.Tensors.Values, info => Assert.Equal(DType.F16, info.DType));
        Assert.Equal("masked", half.Metadata["pooled_mean"]);
    }

    [Fact]
    public void AComponentsFolderGetsSafetensors()
    {
        folder.Write("bert/config.json", "{}");
        folder.Write("bert/vocab.txt", "a");
        folder.Write("bert/flax_model.msgpack", "");
        folder.Write("bert/pytorch_model.bin.index.json", """{"weight_map": {"a.weight": "pytorch_model-1.bin", "tied.bias": "pytorch_model-1.bin"}}""");
        File.Copy(Torch("tied.bin"), folder.At("bert", "pytorch_model-1.bin"));

        var written = Assert.Single(Run(folder.At("bert"), folder.At("out"), DType.F16));

        Assert.Equal(["config.json", "model.safetensors", "vocab.txt"], Directory.EnumerateFiles(folder.At("out")).Select(Path.GetFileName).Order());
        Assert.Equal(folder.At("out", "model.safetensors"), written.Path);
        using var file = DiffusersFolder.Open(folder.At("out")).OpenWeights();
        Assert.Equal(["a.weight", "tied.bias"], file.Tensors.Keys.Order());
        Assert.All(file.Tensors.Values, info => Assert.Equal(DType.F16, info.DType));
    }

    [Fact]
    public void APipelinesFolderKeepsEveryComponent()
    {
        var written = Run(SmallPipeline.Sdxl, folder.At("out"));

        Assert.Equal(4, written.Count);
        var (original, copy) = (DiffusersFolder.Open(SmallPipeline.Sdxl), DiffusersFolder.Open(folder.At("out")));
        Assert.Equal(original.Components, copy.Components);
        foreach (var name in original.Components.Keys)
        {
            Assert.Equal(Directory.EnumerateFiles(original.Component(name).Path).Select(Path.GetFileName).Order(), Directory.EnumerateFiles(copy.Component(name).Path).Select(Path.GetFileName).Order());
            if (original.Component(name).FindWeights() == null) continue;
            using var expected = original.Component(name).OpenWeights();
            using var actual = copy.Component(name).OpenWeights();
            AssertSame(expected, actual);
        }
    }

    [Fact]
    public void LeavesNothingBehindWhenCancelledOrRefused()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        folder.Write("full/a", "text");

        Assert.Throws<OperationCanceledException>(() => CheckpointConversion.Run(Torch("tied.bin"), folder.At("out.safetensors"), new(), cancelled.Token));
        Assert.Throws<OperationCanceledException>(() => CheckpointConversion.Run(SmallPipeline.Sdxl, folder.At("out"), new(), cancelled.Token));
        Assert.Throws<PeaException>(() => Run(SmallPipeline.Sdxl, folder.At("full")));
        Assert.Throws<PeaException>(() => Run(Torch("absent"), folder.At("out.safetensors")));
        Assert.Throws<OptionException>(() => Run(Torch("tied.bin"), folder.At("out.pt")));

        Assert.Equal([Path.Combine("full", "a")], folder.Files());
    }
}
