using PeaEngine.Backends;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Cuda;

/// <summary>A picture from its prompt, on a GPU: text encoders, denoising and VAE as they are.</summary>
public class CudaPipelineTests
{
    [NvrtcFact]
    public void AnEmojiIsTheOneThatTheCpuDraws()
    {
        var options = new GenerateOptions { Prompt = "red panda, 3D icon, green background", Steps = 2, Seed = 7, Width = 64, Height = 64 };
        Generation expected = Draw(Device.Open("cpu", 2), options), actual = Draw(new CudaBackend(CudaTestDevice.Open()), options);
        // In F32: sums in another order, 1e-4 of the largest value as for the golden files.
        GoldenTensors.AssertClose("latents", expected.Latents, actual.Latents);
        GoldenTensors.AssertClose("picture", expected[0].Values, actual[0].Values);
    }

    static Generation Draw(Backend opened, GenerateOptions options)
    {
        using var backend = opened;
        using var pipeline = DiffusionPipeline.Load(Path.Combine(Repository.Root, "samples", "emoji", "teacher"), backend);
        return pipeline.Generate(options);
    }
}
