using PeaEngine.Backends;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Cuda;

/// <summary>A picture from its prompt, on a GPU: text encoders, denoising and VAE as they are.</summary>
public class CudaPipelineTests
{
    static readonly GenerateOptions Options = new() { Steps = 2, Seed = 7, Width = 64, Height = 64 };

    static string Emoji(string name) => Path.Combine(Repository.Root, "samples", "emoji", name);

    [NvrtcFact]
    public void AnEmojiIsTheOneThatTheCpuDraws()
    {
        var options = Options with { Prompt = "red panda, 3D icon, green background" };
        var source = new PipelineSource(Emoji("teacher"));
        // In F32: sums in another order, 1e-4 of the largest value as for the golden files.
        AssertClose(Draw(Device.Open("cpu", 2), source, options), Draw(new CudaBackend(CudaTestDevice.Open()), source, options));
    }

    /// <summary>A Chinese prompt, by a student through an adapter. The scheduler's part is F32; what the models' rounding costs, the CPU tells.</summary>
    [NvrtcFact]
    public void InF16AnAdaptersEmojiIsAsExactAsRoundingAllows()
    {
        var options = Options with { Prompt = "老虎头，3D图标，绿色背景" };
        var source = new PipelineSource(Emoji("teacher")) { Student = Emoji("student"), Adapter = Emoji("adapter.safetensors") };
        var expected = Draw(Device.Open("cpu", 2), source, options);
        IReadOnlyList<(string Name, double Error)> Errors(Backend backend) => GoldenTensors.ErrorsOf(() => AssertClose(expected, Draw(backend, source, options)));
        RoundedErrors.AssertTwiceAtMost(Errors(new RoundedBackend(DType.F16)), Errors(new CudaBackend(CudaTestDevice.Open(), DType.F16)));
    }

    static void AssertClose(Generation expected, Generation actual)
    {
        GoldenTensors.AssertClose("latents", expected.Latents, actual.Latents);
        GoldenTensors.AssertClose("picture", expected[0].Values, actual[0].Values);
    }

    static Generation Draw(Backend opened, PipelineSource source, GenerateOptions options)
    {
        using var backend = opened;
        using var pipeline = DiffusionPipeline.Load(source, backend);
        return pipeline.Generate(options);
    }
}
