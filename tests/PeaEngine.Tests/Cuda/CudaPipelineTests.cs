using PeaEngine.Backends;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Cli;

namespace PeaEngine.Tests.Cuda;

/// <summary>A picture from its prompt, on a GPU: text encoders, denoising and VAE as they are.</summary>
public sealed class CudaPipelineTests : IDisposable
{
    static readonly GenerateOptions Options = new() { Steps = 2, Seed = 7, Width = 64, Height = 64 };

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static string Emoji(string name) => Path.Combine(Repository.Root, "samples", "emoji", name);

    [NvrtcFact]
    public void AnEmojiIsTheOneThatTheCpuDraws()
    {
        var options = Options with { Prompt = "red panda, 3D icon, green background" };
        var source = new PipelineSource(Emoji("teacher"));
        var (expected, actual) = (Draw(Device.Open("cpu", 2), source, options), Draw(new CudaBackend(CudaTestDevice.Open()), source, options));
        // In F32: sums in another order, 1e-4 of the largest value as for the golden files.
        GoldenTensors.AssertClose("latents", expected.Latents, actual.Latents);
        GoldenTensors.AssertClose("picture", expected[0].Values, actual[0].Values);
    }

    /// <summary>A Chinese prompt, by a student through an adapter, drawn by the command line. The scheduler's part is F32; what the models' rounding costs, the CPU tells.</summary>
    [NvrtcFact]
    public void InF16AnAdaptersEmojiIsAsExactAsRoundingAllows()
    {
        var options = Options with { Prompt = "老虎头，3D图标，绿色背景" };
        var source = new PipelineSource(Emoji("teacher")) { Student = Emoji("student"), Adapter = Emoji("adapter.safetensors") };
        string picture = folder.At("a.png"), saved = folder.At("a.safetensors");
        var run = CommandLine.Run(CudaTestDevice.Devices, "sample", options.Prompt, "--steps", "2", "--seed", "7", "--width", "64", "--height", "64", "--device", "cuda:0",
            "--model", source.Model, "--student", source.Student, "--adapter", source.Adapter, "--output", picture, "--save-latents", saved);
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal($"seed 7\nwrote {picture}\nwrote {saved}\n", run.Output);
        using var tensors = GoldenTensors.Open(saved);

        var (expected, rounded) = (Draw(Device.Open("cpu", 2), source, options), Draw(new RoundedBackend(DType.F16), source, options));
        IReadOnlyList<(string Name, double Error)> Errors(float[] latents, PixelImage pixels) => GoldenTensors.ErrorsOf(() =>
        {
            GoldenTensors.AssertClose("latents", expected.Latents, latents);
            GoldenTensors.AssertClose("picture", Values(expected[0].Pixels), Values(pixels));
        });
        RoundedErrors.AssertTwiceAtMost(Errors(rounded.Latents, rounded[0].Pixels), Errors(tensors["latents"].Values, PixelImage.Load(picture)));

        static float[] Values(PixelImage image) => Array.ConvertAll(image.Pixels.ToArray(), value => (float)value);
    }

    static Generation Draw(Backend opened, PipelineSource source, GenerateOptions options)
    {
        using var backend = opened;
        using var pipeline = DiffusionPipeline.Load(source, backend);
        return pipeline.Generate(options);
    }
}
