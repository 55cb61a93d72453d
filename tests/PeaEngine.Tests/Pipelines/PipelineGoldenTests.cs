using System.Globalization;
using PeaEngine.Cli;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>Whole pipelines against diffusers': every case.</summary>
public sealed class PipelineGoldenTests : IDisposable
{
    /// <summary>
    /// Of the reference's standard deviation. Rounding differs in every product, and a sampler carries it through all its steps.
    /// </summary>
    const double LatentTolerance = 1e-3;

    /// <summary>The values of a PNG that must be within 1 of the reference's: rounding to 8 bits may fall either way.</summary>
    const double CloseValues = 0.999;

    /// <summary>The reference's pictures are stored in F16, whose spacing below 1 is 2⁻¹¹; latents add their own difference.</summary>
    const double PictureTolerance = 2e-3;

    readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("pea-pipeline-");

    public static TheoryData<string, string> Cases => PipelineCase.All();

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>The command line with a case's arguments writes the reference's latents and picture.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void CommandLineDrawsTheReferencesPicture(string pipeline, string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var one = PipelineCase.Find(pipeline, name);
        var picture = Path.Combine(folder.FullName, "picture.png");
        var latents = Path.Combine(folder.FullName, "latents.safetensors");
        using StringWriter output = new(CultureInfo.InvariantCulture), error = new(CultureInfo.InvariantCulture);

        var code = CommandRunner.Run([.. CommandLine(one), "--output", picture, "--save-latents", latents], output, error);

        Assert.True(code == ExitCode.Done, error.ToString());
        using var expected = GoldenTensors.Open(one.At(".safetensors"));
        using var actual = GoldenTensors.Open(latents);
        var slack = Slack(one);
        AssertLatents(expected["latents.final"].Values, actual["latents"].Values, name, slack);
        Assert.Equal(expected["latents.final"].Shape, actual["latents"].Shape);
        var count = (int)expected["latents.final"].Shape[0];
        for (var i = 0; i < count; i++)
            AssertPictures(PixelImage.Load(one.At($".{i}.png")), PixelImage.Load(count == 1 ? picture : Path.ChangeExtension(picture, $"{i}.png")), name, slack);
    }

    /// <summary>The library gives the latents after the first step and the picture before rounding too.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void FirstStepAndUnroundedPictureAreTheReferences(string pipeline, string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var one = PipelineCase.Find(pipeline, name);
        using var expected = GoldenTensors.Open(one.At(".safetensors"));
        using var backend = Device.Open("cpu");
        using var loaded = DiffusionPipeline.Load(one.Source, backend);
        List<float[]> steps = [];

        var generation = loaded.Generate(one.Options(), new Watcher<GenerationProgress>(progress => steps.Add(progress.Latents())));

        var slack = Slack(one);
        if (expected.Has("latents.first_step")) AssertLatents(expected["latents.first_step"].Values, steps[1], name + " after the first step", slack);
        if (expected.Has("latents.base")) AssertLatents(expected["latents.base"].Values, steps[one.BaseSteps], name + " before the refiner", slack);
        for (var i = 0; i < generation.Count; i++)
        {
            var picture = expected[$"image.{i}"].Values;
            var worst = picture.Zip(generation[i].Values).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.True(worst <= PictureTolerance * slack, $"{name}: image.{i} differs by {worst}");
        }
    }

    static IEnumerable<string> CommandLine(PipelineCase one)
    {
        yield return "sample";
        yield return one.Text("prompt") ?? "";
        yield return "--model";
        yield return one.Model;
        foreach (var (argument, option) in new[]
        {
            ("negative_prompt", "--negative-prompt"), ("scheduler", "--scheduler"), ("num_inference_steps", "--steps"), ("guidance_scale", "--guidance"),
            ("guidance_rescale", "--guidance-rescale"), ("eta", "--eta"), ("seed", "--seed"), ("width", "--width"), ("height", "--height"),
            ("clip_skip", "--clip-skip"), ("num_images_per_prompt", "--count"), ("strength", "--strength"), ("image", "--init-image"), ("mask_image", "--mask"),
            ("original_size", "--original-size"), ("crops_coords_top_left", "--crop"), ("target_size", "--target-size"),
            ("student", "--student"), ("adapter", "--adapter"), ("refiner", "--refiner"), ("refiner_start", "--refiner-start"),
        })
        {
            if (argument == "image" && one.InitImage == null || !one.Arguments.TryGetProperty(argument, out var value) || value.ValueKind == System.Text.Json.JsonValueKind.Null) continue;
            yield return option;
            yield return argument is "image" or "mask_image" or "student" or "adapter" or "refiner" ? one.File(argument)!
                : value.ValueKind == System.Text.Json.JsonValueKind.Array ? $"{value[0]},{value[1]}"
                : value.ToString();
        }
        foreach (var lora in one.Source.Loras)
        {
            yield return "--lora";
            yield return string.Create(CultureInfo.InvariantCulture, $"{lora.Path}:{lora.Scale}");
        }
        if (!one.IsControlled) yield break;
        foreach (var folder in one.ControlNets)
        {
            yield return "--controlnet";
            yield return folder;
        }
        foreach (var (argument, option) in new[]
        {
            (one.ControlImage, "--control-image"), ("controlnet_conditioning_scale", "--control-scale"), ("control_guidance_start", "--control-start"), ("control_guidance_end", "--control-end"),
        })
            foreach (var value in one.Items(argument))
            {
                yield return option;
                yield return argument == one.ControlImage ? GoldenFolder.At("pipeline", one.Folder, value.GetString()!) : value.ToString();
            }
        if (one.Options().GuessMode) yield return "--guess-mode";
    }

    /// <summary>What the bounds are multiplied by: 1, but for a LoRA that lets rounding through to the picture.</summary>
    internal static double Slack(PipelineCase one) => Math.Max(1, LoraRounding.Explains(one) / LatentTolerance);

    internal static void AssertLatents(float[] expected, float[] actual, string name, double slack)
    {
        var worst = LoraRounding.Distance(expected, actual);
        Assert.True(worst <= LatentTolerance * slack, $"{name}: latents differ by {worst:g3} of the standard deviation, expected {LatentTolerance * slack:g3} at most");
    }

    static void AssertPictures(PixelImage expected, PixelImage actual, string name, double slack)
    {
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        ReadOnlySpan<byte> first = expected.Pixels, second = actual.Pixels;
        var (close, bound) = (0, Math.Max(1, (int)(byte.MaxValue * PictureTolerance * slack)));
        for (var i = 0; i < first.Length; i++)
            if (Math.Abs(first[i] - second[i]) <= bound) close++;
        Assert.True(close >= CloseValues * first.Length, $"{name}: {close} of {first.Length} values are within {bound}");
    }
}
