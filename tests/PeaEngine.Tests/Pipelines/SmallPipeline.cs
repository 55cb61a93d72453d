using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>The smallest whole pipelines there are, for tests of what goes round the pictures: tests/golden's models with random weights.</summary>
static class SmallPipeline
{
    public static readonly string Sdxl = Model("sdxl-random"), Sd15 = Model("sd15-random"), Inpainting = Model("sdxl-inpaint-random");

    /// <summary>A few steps of a small picture.</summary>
    public static readonly GenerateOptions Options = new() { Prompt = "red panda, flat icon", Steps = 4, Seed = 5, Width = 64, Height = 64 };

    /// <summary>A copy that a test may damage.</summary>
    public static string Copy(TemporaryFolder folder, string source)
    {
        RewrittenCheckpoint.Copy(source, folder.At("model"));
        return folder.At("model");
    }

    /// <summary>The final latents of a folder's pipeline.</summary>
    public static float[] Draw(string model, GenerateOptions options)
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(model, backend);
        return pipeline.Generate(options).Latents;
    }

    /// <summary>The folder of a ControlNet for one of them.</summary>
    public static string ControlNet(string folder, string name = "controlnet") => Path.Combine(Path.GetDirectoryName(Model(folder))!, name);

    static string Model(string folder) => Path.Combine(Repository.Root, "tests", "golden", "pipeline", folder, "model");
}
