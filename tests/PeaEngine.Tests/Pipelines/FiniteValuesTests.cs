using System.Runtime.InteropServices;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Tests.Cuda;

namespace PeaEngine.Tests.Pipelines;

/// <summary>Numbers that are not finite end a picture with an error that names where they came from.</summary>
public sealed class FiniteValuesTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("vae", "diffusion_pytorch_model", "decoder.conv_out.bias", "vae decoder: 4096 of 12288 values are not finite, computed in F32 on cpu")]
    [InlineData("unet", "diffusion_pytorch_model", "conv_out.bias", "latents: 256 of 256 values are not finite, computed in F32 on cpu")]
    [InlineData("text_encoder_2", "model", "final_layer_norm.bias", "pooled prompt: ")]
    public void AreAnErrorThatNamesTheStage(string component, string file, string key, string message)
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sdxl);
        Spoil(Path.Combine(model, component, file + ".safetensors"), key);
        Assert.StartsWith(message, Assert.Throws<PeaException>(() => SmallPipeline.Draw(model, SmallPipeline.Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void InF16TheErrorSaysWhatGoesFurther()
    {
        using var backend = new RoundedBackend(DType.F16);
        Assert.Equal([1f, 65504f], FiniteValues.Check("latents", backend, [1, 65504]));
        Assert.Equal("latents: 2 of 3 values are not finite, computed in F16 on cpu in F16; F16 ends at 65504, BF16 and F32 do not",
            Assert.Throws<PeaException>(() => FiniteValues.Check("latents", backend, [1, float.NaN, float.PositiveInfinity])).Message);
    }

    public void Dispose() => folder.Dispose();

    /// <summary>Makes the first element of a tensor NaN.</summary>
    static void Spoil(string path, string key)
    {
        List<TensorContent> tensors = [];
        using (var file = SafetensorsFile.Open(path))
            foreach (var info in file.Tensors.Values)
            {
                var bytes = new byte[info.Bytes];
                file.Read(info.Name, 0, bytes);
                if (info.Name.EndsWith(key, StringComparison.Ordinal)) MemoryMarshal.Write(bytes, Half.NaN);
                tensors.Add(TensorContent.FromBytes(info, bytes));
            }
        SafetensorsWriter.Write(path, tensors);
    }
}
