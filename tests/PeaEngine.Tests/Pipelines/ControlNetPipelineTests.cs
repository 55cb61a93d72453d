using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>ControlNets in pipelines, beyond the golden cases: with init images and masks, windows, defaults, and what is recorded.</summary>
[Collection(nameof(Alone))]
public sealed class ControlNetPipelineTests : IDisposable
{
    static readonly string Net = SmallPipeline.ControlNet("sdxl-random"), Net2 = SmallPipeline.ControlNet("sdxl-random", "controlnet2"), Sd15Net = SmallPipeline.ControlNet("sd15-random");
    static readonly GenerateOptions Options = SmallPipeline.Options with { Guidance = 5 };
    static readonly PixelImage Image = Picture(64, 64);

    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>A scale of 0, and a window that no whole step lies in, change nothing: neither with an init image nor with a mask.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void AControlNetThatIsOffChangesNothing(bool image, bool mask)
    {
        var options = Options with { InitImage = image ? Picture(64, 64) : null, Mask = mask ? Mask() : null, Strength = image ? 0.75 : null };
        using DiffusionPipeline plain = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend), controlled = Load(SmallPipeline.Sdxl, Net);
        var expected = plain.Generate(options).Latents;

        Assert.Equal(expected, controlled.Generate(options with { Controls = [new(Image) { Scale = 0 }] }).Latents);
        Assert.Equal(expected, controlled.Generate(options with { Controls = [new(Image) { Scale = 1, Start = 0.8 }] }).Latents);
        Assert.NotEqual(expected, controlled.Generate(options with { Controls = [new(Image) { Scale = 1, Start = 0.6 }] }).Latents);
    }

    /// <summary>Start and end are parts of the steps that are run: of 8 steps half are left to draw.</summary>
    [Fact]
    public void WindowsArePartsOfTheStepsThatAreRun()
    {
        using var pipeline = Load(SmallPipeline.Sdxl, Net);
        var options = Options with { Steps = 8, InitImage = Picture(64, 64), Strength = 0.5 };
        List<float[]> on = Steps(1), off = Steps(0);

        Assert.Equal(off[..2], on[..2]);
        Assert.NotEqual(off[2], on[2]);
        Assert.Equal(5, on.Count);

        List<float[]> Steps(double scale)
        {
            List<float[]> latents = [];
            pipeline.Generate(options with { Controls = [new(Image) { Scale = scale, Start = 0.25, End = 0.5 }] }, new Watcher<GenerationProgress>(progress => latents.Add(progress.Latents())));
            return latents;
        }
    }

    /// <summary>A UNet of 9 channels inpaints with a ControlNet of 4, which does not see the mask.</summary>
    [Fact]
    public void AnInpaintingUNetIsControlledToo()
    {
        using var pipeline = Load(SmallPipeline.Inpainting, Net);
        var options = Options with { InitImage = Picture(64, 64), Mask = Mask() };
        Assert.NotEqual(pipeline.Generate(options with { Controls = [new(Image) { Scale = 0 }] }).Latents, pipeline.Generate(options with { Controls = [new(Image)] }).Latents);
    }

    [Fact]
    public void TheSameControlNetTwiceIsOneOfTwiceTheScale()
    {
        using DiffusionPipeline one = Load(SmallPipeline.Sdxl, Net), two = Load(SmallPipeline.Sdxl, Net, Net);
        var once = one.Generate(Options with { Controls = [new(Image) { Scale = 0.75 }] }).Latents;
        var twice = two.Generate(Options with { Controls = [new(Image) { Scale = 0.25 }, new(Image) { Scale = 0.5 }] }).Latents;
        // One more rounding a residual, carried through four steps.
        GoldenTensors.AssertClose("latents", once, twice, 1e-4);
    }

    /// <summary>Every picture of a batch is controlled, also in guess mode, where the batch's unconditional half is not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ABatchIsControlledAsItsPicturesAre(bool guessMode)
    {
        using var pipeline = Load(SmallPipeline.Sdxl, Net);
        var options = Options with { Controls = [new(Image)], GuessMode = guessMode };
        float[] one = pipeline.Generate(options).Latents, both = pipeline.Generate(options with { Count = 2, Scheduler = "ddim" }).Latents;
        var first = pipeline.Generate(options with { Scheduler = "ddim" }).Latents;
        Assert.NotEqual(one, first);
        // Blocks of a product are cut otherwise for a larger batch, and noise is drawn alike for its first picture.
        GoldenTensors.AssertClose("first of two", first, both.AsSpan(0, first.Length), 1e-4);
    }

    [Fact]
    public void WithoutGuidanceGuessModeIsOfTheOnlyHalf()
    {
        using var pipeline = Load(SmallPipeline.Sdxl, Net);
        var options = Options with { Guidance = 1, Controls = [new(Image)] };
        Assert.NotEqual(pipeline.Generate(options).Latents, pipeline.Generate(options with { GuessMode = true }).Latents);
    }

    /// <summary>The pipeline of a ControlNet whose conditions are pooled is in guess mode without being asked to be.</summary>
    [Fact]
    public void PooledConditionsMeanGuessMode()
    {
        RewrittenCheckpoint.Copy(Net, folder.At("net"));
        var config = folder.At("net", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"global_pool_conditions\": false", "\"global_pool_conditions\": true", StringComparison.Ordinal));
        using DiffusionPipeline pooled = Load(SmallPipeline.Sdxl, folder.At("net")), plain = Load(SmallPipeline.Sdxl, Net);
        var options = Options with { Controls = [new(Image)] };
        var drawn = pooled.Generate(options).Latents;
        Assert.Equal(drawn, pooled.Generate(options with { GuessMode = true }).Latents);
        Assert.NotEqual(drawn, plain.Generate(options with { GuessMode = true }).Latents);
    }

    [Fact]
    public void SizeAndDefaultsAreThoseOfTheControlNetPipelines()
    {
        var xl = PipelineConfig.Read(new(SmallPipeline.Sdxl));
        var sd = PipelineConfig.Read(new(SmallPipeline.Sd15));
        GenerateOptions text = new() { Controls = [new(Picture(75, 130)), new(Picture(8, 8))] }, image = text with { InitImage = Picture(32, 48) }, mask = image with { Mask = Mask() };

        Assert.Equal((128, 72), (xl.Plan(text).Height, xl.Plan(text).Width));
        Assert.Equal((48, 32), (xl.Plan(image).Height, xl.Plan(image).Width));
        Assert.Equal((5, 1, 1), Defaults(xl.Plan(text)));
        Assert.Equal((5, 0.8, 0.8), Defaults(xl.Plan(image)));
        Assert.Equal((5, 0.9999, 1), Defaults(xl.Plan(mask)));
        Assert.Equal((7.5, 1, 1), Defaults(sd.Plan(text)));
        Assert.Equal((7.5, 0.8, 0.8), Defaults(sd.Plan(image)));
        Assert.Equal((7.5, 1, 0.5), Defaults(sd.Plan(mask)));

        static (double, double, double) Defaults(GenerationPlan plan) => (plan.Guidance, plan.Strength, plan.ControlScale);
    }

    /// <summary>diffusers' ControlNet pipelines take an SD model's scheduler at its word, which its others do not.</summary>
    [Fact]
    public void SdSchedulersAreNotCorrected()
    {
        var model = SmallPipeline.Copy(folder, SmallPipeline.Sd15);
        float[] Draw(int offset, string? net)
        {
            folder.Write("model/scheduler/scheduler_config.json", $$"""{ "_class_name": "DDIMScheduler", "clip_sample": false, "set_alpha_to_one": false, "steps_offset": {{offset}} }""");
            using var pipeline = net == null ? Load(model) : Load(model, net);
            return pipeline.Generate(Options with { Controls = net == null ? [] : [new(Image) { Scale = 0 }] }).Latents;
        }
        var plain = Draw(1, null);
        Assert.Equal(plain, Draw(0, null));
        Assert.Equal(plain, Draw(1, Sd15Net));
        Assert.NotEqual(plain, Draw(0, Sd15Net));
    }

    /// <summary>Edges, of which the ControlNet sees three equal channels.</summary>
    [Fact]
    public void CannyDrawsWhatItsEdgesDraw()
    {
        var source = Picture(96, 64);
        var edges = Canny.Edges(source, new(100, 300));
        var coloured = new PixelImage(96, 64);
        for (var i = 0; i < coloured.Pixels.Length; i++) coloured.Pixels[i] = edges.Pixels[i / 3];
        using var pipeline = Load(SmallPipeline.Sdxl, Net);
        var options = Options with { Width = null, Height = null };

        var drawn = pipeline.Generate(options with { Controls = [new(source) { Canny = new(100, 300) }] });

        Assert.Equal((96, 64), (drawn.Width, drawn.Height));
        Assert.Equal(drawn.Latents, pipeline.Generate(options with { Controls = [new(coloured)] }).Latents);
        Assert.NotEqual(drawn.Latents, pipeline.Generate(options with { Controls = [new(source)] }).Latents);
    }

    /// <summary>The file and the images draw the same pixels again.</summary>
    [Fact]
    public void APictureSaysHowItWasControlled()
    {
        using var pipeline = Load(SmallPipeline.Sdxl, Net, Net2);
        var other = Picture(32, 32);
        var generation = pipeline.Generate(Options with
        {
            Controls = [new(Image) { Canny = new(50, 120), End = 0.75 }, new(other) { Scale = 0.3, Start = 0.25 }],
            GuessMode = true,
        });
        generation[0].Save(folder.At("one.png"));

        var metadata = PictureMetadata.Load(folder.At("one.png"))!;

        Assert.Equal([Net, Net2], metadata.Source.ControlNets);
        Assert.True(metadata.Options.GuessMode);
        Assert.Equal((1.0, 0.0, 0.75, new CannyThresholds(50, 120)), (metadata.Controls[0].Scale, metadata.Controls[0].Start, metadata.Controls[0].End, metadata.Controls[0].Canny!.Value));
        Assert.Equal((0.3, 0.25, 1.0, null), (metadata.Controls[1].Scale, metadata.Controls[1].Start, metadata.Controls[1].End, metadata.Controls[1].Canny));
        Assert.NotEqual(metadata.Controls[0].ImageSha256, metadata.Controls[1].ImageSha256);
        Assert.Contains(", ControlNet 0: \"Module: canny, Model: controlnet, Weight: 1, Threshold A: 50, Threshold B: 120, Guidance Start: 0, Guidance End: 0.75\"" +
            ", ControlNet 1: \"Module: none, Model: controlnet2, Weight: 0.3, Guidance Start: 0.25, Guidance End: 1\", Version",
            generation[0].Pixels.Texts.Single(text => text.Keyword == PictureText.Parameters).Text, StringComparison.Ordinal);
        using var again = DiffusionPipeline.Load(metadata.Source, backend);
        var redrawn = again.Generate(metadata.Options with { Controls = [metadata.Controls[0].With(Image), metadata.Controls[1].With(other)] });
        Assert.Equal(generation[0].Values, redrawn[0].Values);
        Assert.Equal(generation[0].Pixels.Texts, redrawn[0].Pixels.Texts);
    }

    [Fact]
    public void AnEmbeddersControlNetsStayItsOwn()
    {
        var options = Options with { Controls = [new(Image)] };
        using var loaded = Load(SmallPipeline.Sdxl, Net);
        using var net = ControlNetModel.Load(Net, backend);
        var plain = SmallPipeline.Draw(SmallPipeline.Sdxl, Options);
        for (var i = 0; i < 2; i++)
        {
            using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
            pipeline.UseControlNets(net);
            Generation expected = loaded.Generate(options), actual = pipeline.Generate(options);
            Assert.Equal(expected.Latents, actual.Latents);
            Assert.Equal(expected[0].Pixels.Texts, actual[0].Pixels.Texts);
            pipeline.UseControlNets();
            Assert.Equal(plain, pipeline.Generate(Options).Latents);
        }
    }

    /// <summary>A step with two ControlNets, one of them off in the middle, allocates nothing; a report costs two small objects and a delegate.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStepAllocatesNothing(bool guessMode)
    {
        const long ReportBytes = 256;
        using var single = Device.Open("cpu", 1);
        using var pipeline = DiffusionPipeline.Load(new PipelineSource(SmallPipeline.Sdxl) { ControlNets = [Net, Net2] }, single);
        var options = Options with { Steps = 12, GuessMode = guessMode, Controls = [new(Image), new(Image) { Start = 0.25, End = 0.75 }] };
        pipeline.Generate(options);
        var allocated = new long[64];

        pipeline.Generate(options, new Watcher<GenerationProgress>(progress => allocated[progress.Step] = GC.GetAllocatedBytesForCurrentThread()));

        // The second ControlNet's first step is the fourth: its lists grow once.
        for (var step = 5; step <= options.Steps; step++)
            Assert.True(allocated[step] - allocated[step - 1] <= ReportBytes, $"step {step} allocated {allocated[step] - allocated[step - 1]} bytes");
    }

    DiffusionPipeline Load(string model, params string[] controlNets) => DiffusionPipeline.Load(new PipelineSource(model) { ControlNets = controlNets }, backend);

    /// <summary>Rings, which have edges everywhere.</summary>
    static PixelImage Picture(int width, int height)
    {
        var image = new PixelImage(width, height);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                for (var c = 0; c < 3; c++)
                    image.Row(y)[3 * x + c] = (byte)(128 + 127 * Math.Sin((x * x + y * y) / (60.0 + 20 * c)));
        return image;
    }

    static PixelImage Mask()
    {
        var mask = new PixelImage(64, 64);
        for (var y = 16; y < 48; y++) mask.Row(y).Fill(255);
        return mask;
    }
}
