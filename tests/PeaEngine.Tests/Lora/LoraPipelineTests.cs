using PeaEngine.Cli;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Tests.Cli;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Lora;

/// <summary>LoRAs in whole pipelines: which models they change, what a picture says of them, and what is refused before anything is loaded.</summary>
public sealed class LoraPipelineTests : IDisposable
{
    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    /// <summary>Every name of a text encoder's weights means the same ones, and they change the picture.</summary>
    [Theory]
    [InlineData("text_encoder", "lora_te1_")]
    [InlineData("text_encoder_2", "lora_te2_")]
    public void TextEncodersAreChangedUnderEveryName(string encoder, string prefix)
    {
        var lora = Random(SmallPipeline.Sdxl, encoder, key => !key.Contains("embedding", StringComparison.Ordinal), Root);
        var attention = Random(SmallPipeline.Sdxl, encoder, key => key.Contains("self_attn", StringComparison.Ordinal), Root);
        string Old(string module) => $"{encoder}.{module.Replace("q_proj", "to_q", StringComparison.Ordinal).Replace("k_proj", "to_k", StringComparison.Ordinal)
            .Replace("v_proj", "to_v", StringComparison.Ordinal).Replace("out_proj", "to_out", StringComparison.Ordinal)}";
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        var plain = Latents(pipeline);

        var changed = Draw(pipeline, lora.Kohya(prefix));
        Assert.NotEqual(plain, changed);
        Assert.Equal(changed, Draw(pipeline, lora.Peft(encoder + ".")));
        Assert.Equal(changed, Draw(pipeline, lora.Dotted(module => $"{encoder}.{module}.lora_linear_layer.down.weight", module => $"{encoder}.{module}.lora_linear_layer.up.weight")));
        Assert.Equal(changed, Draw(pipeline, lora.Kohya(prefix, rename: WithoutRoot)));
        Assert.Equal(Draw(pipeline, attention.Kohya(prefix)), Draw(pipeline, attention.Dotted(module => Old(module) + "_lora.down.weight", module => Old(module) + "_lora.up.weight")));
        Assert.Equal(plain, Latents(pipeline));
    }

    /// <summary>Stable Diffusion 1 has one text encoder, which kohya's trainer does not count, and 1×1 convolutions for projections.</summary>
    [Fact]
    public void StableDiffusion1IsChanged()
    {
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sd15, backend);
        var plain = Latents(pipeline);
        var text = Random(SmallPipeline.Sd15, "text_encoder", key => key.Contains("mlp", StringComparison.Ordinal), Root);
        var unet = Random(SmallPipeline.Sd15, "unet", key => true);

        var both = Draw(pipeline, [.. text.Kohya("lora_te_", 2), .. unet.Kohya("lora_unet_", 2)]);

        Assert.NotEqual(plain, both);
        Assert.NotEqual(Draw(pipeline, unet.Kohya("lora_unet_", 2)), both);
        Assert.NotEqual(Draw(pipeline, text.Kohya("lora_te_", 2)), both);
        Assert.Equal(plain, Latents(pipeline));
    }

    /// <summary>A pipeline that is loaded with LoRAs is one that they were fused into; a picture of it says so and is drawn again from that alone.</summary>
    [Fact]
    public void SourcesAndPicturesNameTheLoras()
    {
        LoraSource[] loras =
        [
            new(Write("first", Random(SmallPipeline.Sdxl, "unet", key => key.Contains("attn2", StringComparison.Ordinal)).Peft("unet.")), 0.0625),
            new(Write("second", Random(SmallPipeline.Sdxl, "text_encoder", key => key.Contains("mlp", StringComparison.Ordinal), Root).Peft("text_encoder.")), -0.5),
        ];
        using var pipeline = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        using LoraFile first = LoraFile.Open(loras[0].Path), second = LoraFile.Open(loras[1].Path);
        pipeline.FuseLora(first, loras[0].Scale);
        pipeline.FuseLora(second, loras[1].Scale);
        Assert.Equal(loras, pipeline.Loras);
        var generation = pipeline.Generate(SmallPipeline.Options);
        generation[0].Save(folder.At("one.png"));
        pipeline.UnfuseLora(first);

        var metadata = PictureMetadata.Load(folder.At("one.png"))!;

        Assert.Equal(loras, metadata.Source.Loras);
        Assert.Contains(", Loras: first:0.0625 second:-0.5, Version", generation[0].Pixels.Texts.Single(text => text.Keyword == PictureText.Parameters).Text, StringComparison.Ordinal);
        Assert.Equal(loras[1..], pipeline.Loras);
        Assert.NotEqual(generation.Latents, Latents(pipeline));
        DiffusionPipeline.Check(metadata.Source, metadata.Options);
        using var again = DiffusionPipeline.Load(metadata.Source, backend);
        Assert.Equal(generation.Latents, again.Generate(metadata.Options).Latents);
    }

    /// <summary>LCM-LoRA: a LoRA of the whole UNet in kohya's names, the scheduler by its name, few steps and no guidance.</summary>
    [Fact]
    public void AConsistencyLoraDrawsInFourStepsWithoutGuidance()
    {
        var lora = Write("lcm_lora", Random(SmallPipeline.Sdxl, "unet", key => true).Kohya("lora_unet_", 0.25f));
        string[] arguments = ["sample", "red panda", "--model", SmallPipeline.Sdxl, "--scheduler", "lcm", "--steps", "4", "--guidance", "1", "--width", "64", "--height", "64", "--seed", "5"];

        var run = CommandLine.Run([.. arguments, "--lora", lora + ":0.5", "--output", folder.At("a.png")]);
        var plain = CommandLine.Run([.. arguments, "--output", folder.At("b.png")]);

        Assert.True(run.Code == ExitCode.Done, run.Error);
        Assert.True(plain.Code == ExitCode.Done, plain.Error);
        var metadata = PictureMetadata.Load(folder.At("a.png"))!;
        Assert.Equal(("lcm", 4, 1.0), (metadata.Options.Scheduler, metadata.Options.Steps, metadata.Options.Guidance));
        Assert.Equal([new(lora, 0.5)], metadata.Source.Loras);
        Assert.NotEqual(PixelImage.Load(folder.At("b.png")).Pixels.ToArray(), PixelImage.Load(folder.At("a.png")).Pixels.ToArray());
    }

    /// <summary>A LoRA changes the UNet and leaves a ControlNet as it is: together they draw what neither draws alone.</summary>
    [Fact]
    public void ComposesWithAControlNet()
    {
        var controlNet = Path.Combine(Path.GetDirectoryName(SmallPipeline.Sdxl)!, "controlnet");
        var image = new PixelImage(64, 64);
        for (var i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(i * 7);
        var options = SmallPipeline.Options with { Controls = [new(image)] };
        using var pipeline = DiffusionPipeline.Load(new PipelineSource(SmallPipeline.Sdxl) { ControlNets = [controlNet] }, backend);
        using var plain = DiffusionPipeline.Load(SmallPipeline.Sdxl, backend);
        using var lora = LoraFile.Open(Write("lora", Random(SmallPipeline.Sdxl, "unet", key => true).Kohya("lora_unet_", 0.5f)));
        var controlled = pipeline.Generate(options).Latents;

        pipeline.FuseLora(lora, 0.25);
        plain.FuseLora(lora, 0.25);
        var both = pipeline.Generate(options).Latents;

        Assert.All(both, value => Assert.True(float.IsFinite(value)));
        Assert.NotEqual(controlled, both);
        Assert.NotEqual(Latents(plain), both);
        pipeline.UnfuseLoras();
        Assert.Equal(controlled, pipeline.Generate(options).Latents);
    }

    /// <summary>The header of a file and the model's tell before anything is loaded or written.</summary>
    [Fact]
    public void WhatDoesNotFitIsRefusedAtOnce()
    {
        var good = Write("good", Random(SmallPipeline.Sdxl, "unet", key => true).Kohya("lora_unet_"));
        var second = Write("second", Random(SmallPipeline.Sdxl, "text_encoder_2", key => key.Contains("mlp", StringComparison.Ordinal), Root).Kohya("lora_te2_"));
        var other = Write("other", Random(SmallPipeline.Sd15, "unet", key => key.Contains("conv_in", StringComparison.Ordinal) || key.Contains("mid_block", StringComparison.Ordinal)).Kohya("lora_unet_"));
        Sample(SmallPipeline.Sdxl, "--lora", other).AssertFails(ExitCode.Failed, "other.safetensors: tensors 'lora_unet_mid_block_", "expected factors of mid_block.");
        Sample(SmallPipeline.Sd15, "--lora", second).AssertFails(ExitCode.Failed, "second.safetensors: tensor 'lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight' is for a weight that the model's text_encoder_2 does not have");
        Sample(SmallPipeline.Sdxl, "--lora", good, "--lora", folder.At("no.safetensors:0.5")).AssertFails(ExitCode.Failed, $"{folder.At("no.safetensors")}: no such file");
        Sample(SmallPipeline.Sdxl, "--lora", good + ":0,5").AssertFails(ExitCode.Failed, "good.safetensors:0,5: no such file");
        Sample(SmallPipeline.Sdxl, "--lora", @"C:\loras\no.safetensors").AssertFails(ExitCode.Failed, @"C:\loras\no.safetensors: no such file");
        Sample(SmallPipeline.Sdxl, "--lora", Path.Combine(SmallPipeline.Sdxl, "vae", "diffusion_pytorch_model.safetensors")).AssertFails(ExitCode.Failed, "expected a LoRA's");
        Sample(SmallPipeline.Sdxl, "--lora").AssertFails(ExitCode.WrongUsage, "--lora");
        Assert.False(File.Exists(folder.At("out.png")));
    }

    CommandLine Sample(string model, params string[] arguments) => CommandLine.Run(["sample", "--model", model, "--output", folder.At("out.png"), "--steps", "1", .. arguments]);

    static float[] Latents(DiffusionPipeline pipeline) => pipeline.Generate(SmallPipeline.Options).Latents;

    float[] Draw(DiffusionPipeline pipeline, IEnumerable<TensorContent> tensors)
    {
        using var lora = LoraFile.Open(Write("drawn", tensors));
        pipeline.FuseLora(lora, 0.25);
        var latents = Latents(pipeline);
        pipeline.UnfuseLora(lora);
        return latents;
    }

    string Write(string name, IEnumerable<TensorContent> tensors)
    {
        SafetensorsWriter.Write(folder.At(name + ".safetensors"), tensors);
        return folder.At(name + ".safetensors");
    }

    /// <summary>Factors for a component's weights; a text encoder's have the root that LoRAs have, whether the checkpoint has it or not.</summary>
    static RandomLora Random(string model, string component, Func<string, bool> take, Func<string, string>? rename = null)
    {
        using var checkpoint = DiffusersFolder.Open(Path.Combine(model, component)).OpenWeights();
        return new(checkpoint, take, rank: 4, seed: 1, rename);
    }

    static string Root(string module) => module.StartsWith("text_", StringComparison.Ordinal) ? module : "text_model." + module;

    static string WithoutRoot(string module) => module.Replace("text_model.", "", StringComparison.Ordinal);
}
