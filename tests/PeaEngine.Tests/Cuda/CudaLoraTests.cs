using PeaEngine.Backends;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Tests.Lora;

namespace PeaEngine.Tests.Cuda;

/// <summary>LoRAs are fused into weights on a GPU, too.</summary>
public class CudaLoraTests
{
    [NvrtcFact]
    public void FusesAsTheCpuDoesAndTakesOutEveryByte()
    {
        using LoraModel expected = new(), actual = new(backend: new CudaBackend(CudaTestDevice.Open()));
        var before = actual.Snapshot();
        var lora = new RandomLora(actual.Checkpoint, key => key.Contains("mid_block", StringComparison.Ordinal), 3, seed: 1);
        expected.Stack.Fuse(expected.Write(lora.Kohya("lora_unet_", 1.5f)), 0.7);
        var file = actual.Write(lora.Kohya("lora_unet_", 1.5f));
        actual.Stack.Fuse(file, 0.7);
        var after = actual.Snapshot();
        foreach (var key in lora.Modules.Select(module => module + ".weight"))
        {
            GoldenTensors.AssertClose(key, expected.Values(key), actual.Values(key));
            Assert.NotEqual(before[key], after[key]);
        }
        actual.Stack.Unfuse(file);
        Assert.Equal(before, actual.Snapshot());
    }

    /// <summary>On the CPU with rounded activations, which adds as the CPU does: the F32 sums to the bit, rounded once, however they came about.</summary>
    [Fact]
    public void In16BitsSumsAreRoundedOnce()
    {
        using LoraModel single = new(), rounded = new(backend: new RoundedBackend(DType.F16));
        var before = rounded.Snapshot();
        LoraFile[] Files(LoraModel model) => [.. new[] { 1, 2 }.Select(seed => model.Write(new RandomLora(model.Checkpoint, key => key.Contains("mid_block", StringComparison.Ordinal), 3, seed).Kohya("lora_unet_", 1.5f)))];
        LoraFile[] files = Files(single), same = Files(rounded);
        foreach (var (one, other) in files.Zip(same))
        {
            single.Stack.Fuse(one, 0.7);
            rounded.Stack.Fuse(other, 0.7);
        }
        Compare();
        single.Stack.Unfuse(files[0]);
        rounded.Stack.Unfuse(same[0]);
        Compare();
        rounded.Stack.Unfuse(same[1]);
        Assert.Equal(before, rounded.Snapshot());

        void Compare()
        {
            foreach (var (key, weight) in rounded.Weights)
            {
                Assert.Equal(DType.F16, weight.Value.DType);
                Assert.Equal(single.Values(key).Select(value => Values.Round(value, DType.F16)), rounded.Values(key));
            }
        }
    }

    [NvrtcFact]
    public void AGpusSumsIn16BitsAreTheCpusRounded()
    {
        using LoraModel expected = new(), actual = new(backend: new CudaBackend(CudaTestDevice.Open(), DType.F16));
        var lora = new RandomLora(actual.Checkpoint, key => key.Contains("mid_block", StringComparison.Ordinal), 3, seed: 1);
        expected.Stack.Fuse(expected.Write(lora.Kohya("lora_unet_", 1.5f)), 0.7);
        actual.Stack.Fuse(actual.Write(lora.Kohya("lora_unet_", 1.5f)), 0.7);
        foreach (var (key, weight) in actual.Weights)
        {
            Assert.Equal(DType.F16, weight.Value.DType);
            // Half a unit in the last place, and what an F32 sum in another order may differ by.
            GoldenTensors.AssertClose(key, expected.Values(key), actual.Values(key), Math.ScaleB(1, -11) + 1e-6);
        }
    }
}
