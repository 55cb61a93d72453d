using PeaEngine.Backends;
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
}
