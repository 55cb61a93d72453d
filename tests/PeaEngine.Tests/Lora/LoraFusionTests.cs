using PeaEngine.Diffusion.Lora;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>What fusing makes of weights, against double precision, and that nothing of it stays.</summary>
public class LoraFusionTests
{
    /// <summary>Of the largest weight: a product of a few terms and a sum, each rounded to single.</summary>
    const double Tolerance = 5e-7;

    /// <summary>
    /// A LoRA of the whole UNet, as LCM's is: matrices, 3×3 convolutions (conv_in, down- and upsamplers too) and 1×1 ones, which SD1.5's projections are
    /// and a shortcut is, in models whose blocks are of different depths.
    /// </summary>
    [Theory]
    [InlineData("sdxl", 4, null)]
    [InlineData("sdxl", 3, 1.5f)]
    [InlineData("sd15", 4, 8f)]
    [InlineData("ssd-1b", 1, 0.25f)]
    [InlineData("sdxl-inpaint", 5, 1f)]
    [InlineData("sdxl-refiner", 2, null)]
    [InlineData("lcm-sdxl", 2, 3f)]
    public void EveryWeightIsTheSumInDoublePrecision(string name, int rank, float? alpha)
    {
        using var model = new LoraModel(name);
        var lora = new RandomLora(model.Checkpoint, key => true, rank, seed: 1);
        Assert.Equal(model.Weights.Keys.Order(StringComparer.Ordinal), lora.Modules.Select(module => module + ".weight").Order(StringComparer.Ordinal));
        var stored = model.Weights.Keys.ToDictionary(key => key, model.Values);

        model.Stack.Fuse(model.Write(lora.Kohya("lora_unet_", alpha)), 0.7);

        foreach (var module in lora.Modules)
        {
            var key = module + ".weight";
            var product = lora.Product(module, 0.7 * (alpha ?? rank) / rank);
            var expected = stored[key].Zip(product, (weight, delta) => weight + delta).ToArray();
            Assert.Equal(DType.F32, model.Weights[key].Value.DType);
            var scale = expected.Max(Math.Abs);
            var worst = expected.Zip(model.Values(key)).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.True(worst <= Tolerance * scale, $"{key}: {worst:g3} of {scale:g3}");
        }
    }

    /// <summary>Differences of whole weights, matrices and convolutions; an alpha beside one means nothing.</summary>
    [Theory]
    [InlineData("sdxl", 0.75)]
    [InlineData("sd15", -2)]
    public void ADifferenceIsAddedAsItIs(string name, double scale)
    {
        using var model = new LoraModel(name);
        var lora = new RandomDifferences(model.Checkpoint, seed: 1);
        var stored = model.Weights.Keys.ToDictionary(key => key, model.Values);

        model.Stack.Fuse(model.Write([.. lora.Tensors("lora_unet_"), TensorContent.FromSingles("lora_unet_conv_in.alpha", [], new[] { 7f })]), scale);

        Assert.Equal(model.Weights.Keys.Order(StringComparer.Ordinal), lora.Values.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, difference) in lora.Values)
        {
            var expected = stored[key].Zip(difference, (weight, delta) => weight + scale * delta).ToArray();
            var worst = expected.Zip(model.Values(key)).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.True(worst <= Tolerance * expected.Max(Math.Abs), $"{key}: {worst:g3}");
        }
    }

    [Fact]
    public void TakingOutRestoresEveryByteAndFreesTheMemory()
    {
        using var model = new LoraModel();
        var before = model.Snapshot();
        var file = model.Write(new RandomLora(model.Checkpoint, key => true, 4, seed: 1).Kohya("lora_unet_", 2));

        model.Stack.Fuse(file, 1);
        var fused = model.Weights.Values.Select(weight => weight.Value.Storage).ToList();
        Assert.All(model.Snapshot(), pair => Assert.NotEqual(before[pair.Key], pair.Value));
        model.Stack.Unfuse(file);

        Assert.Equal(before, model.Snapshot());
        Assert.All(fused, storage => Assert.Equal(0, storage.Address));
        Assert.Empty(model.Stack.Sources);
    }

    /// <summary>Taking one out of several leaves the bits that fusing the others alone gives, in whatever order they came and went.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void TakingOneOutLeavesWhatTheOthersAlone(int removed)
    {
        using var model = new LoraModel();
        var before = model.Snapshot();
        // They overlap in part, so that some weights have one, some two and some three of them.
        LoraFile[] files =
        [
            model.Write(new RandomLora(model.Checkpoint, key => key.Contains("attn", StringComparison.Ordinal), 4, seed: 1).Kohya("lora_unet_", 2)),
            model.Write(new RandomLora(model.Checkpoint, key => !key.Contains("down_blocks", StringComparison.Ordinal), 2, seed: 2).Peft("unet.")),
            model.Write(new RandomLora(model.Checkpoint, key => key.Contains("to_", StringComparison.Ordinal) || key.Contains("conv", StringComparison.Ordinal), 3, seed: 3).Kohya("lora_unet_", 1)),
        ];
        double[] scales = [0.8, -0.3, 1.7];
        for (var i = 0; i < files.Length; i++)
            if (i != removed) model.Stack.Fuse(files[i], scales[i]);
        var expected = model.Snapshot();
        model.Stack.Clear();
        Assert.Equal(before, model.Snapshot());

        for (var i = 0; i < files.Length; i++) model.Stack.Fuse(files[i], scales[i]);
        model.Stack.Unfuse(files[removed]);

        Assert.Equal(expected, model.Snapshot());
        Assert.Equal(scales.Where((_, i) => i != removed), model.Stack.Sources.Select(source => source.Scale));
        foreach (var i in Enumerable.Range(0, files.Length).Where(i => i != removed)) model.Stack.Unfuse(files[i]);
        Assert.Equal(before, model.Snapshot());
    }

    [Fact]
    public void AFileIsFusedOnceAndTakenOutOnce()
    {
        using var model = new LoraModel();
        var file = model.Write(new RandomLora(model.Checkpoint, key => key.Contains("mid_block", StringComparison.Ordinal), 4, seed: 1).Peft("unet."));

        Throws("not fused", () => model.Stack.Unfuse(file));
        Throws("scale NaN", () => model.Stack.Fuse(file, double.NaN));
        model.Stack.Fuse(file, 1);
        Throws("fused already", () => model.Stack.Fuse(file, 2));
        Assert.Equal([1], model.Stack.Sources.Select(source => source.Scale));
    }

    /// <summary>A file that can no longer be read leaves no part of itself behind: here, one closed too early.</summary>
    [Fact]
    public void AFailureHalfwayTakesAllOut()
    {
        using var model = new LoraModel();
        var before = model.Snapshot();
        LoraFile good = model.Write(new RandomLora(model.Checkpoint, key => true, 2, seed: 1).Peft("unet.")), bad = model.Write(new RandomLora(model.Checkpoint, key => true, 2, seed: 2).Peft("unet."));
        model.Stack.Fuse(good, 1);
        bad.Dispose();

        Assert.Throws<ObjectDisposedException>(() => model.Stack.Fuse(bad, 1));

        Assert.Empty(model.Stack.Sources);
        Assert.Equal(before, model.Snapshot());
    }

    static void Throws(string expected, Action action) =>
        Assert.Contains(expected, Assert.Throws<PeaException>(action).Message, StringComparison.Ordinal);
}
