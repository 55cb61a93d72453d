using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>What goes round the pictures of a student and an adapter.</summary>
public class AdapterTests
{
    static readonly string Golden = Path.Combine(Repository.Root, "tests", "golden"), Samples = Path.Combine(Repository.Root, "samples", "emoji");

    static readonly PipelineSource Small = new(SmallPipeline.Sdxl)
    {
        Student = Path.Combine(Golden, "pipeline", "sdxl-random", "student"),
        Adapter = Path.Combine(Golden, "pipeline", "sdxl-random", "adapter", "pytorch_model.bin"),
    };

    [Fact]
    public void WithoutANegativePromptTheEmptyTextIsTaken()
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(Small, backend);
        var options = SmallPipeline.Options with { Prompt = "一只红色的小熊猫" };
        Assert.Equal(pipeline.Generate(options with { NegativePrompt = "" }).Latents, pipeline.Generate(options).Latents);
    }

    [Fact]
    public void APipelineTakesThemLaterToo()
    {
        using var backend = Device.Open("cpu", 2);
        using var adapter = PeaAdapter.Load(Small.Adapter!, backend);
        using var student = StudentEncoder.Load(Small.Student!, backend);
        using DiffusionPipeline first = DiffusionPipeline.Load(Small, backend), second = DiffusionPipeline.Load(Small.Model, backend);
        var without = second.Generate(SmallPipeline.Options).Latents;
        second.UseAdapter(adapter, student);
        Assert.Equal(first.Generate(SmallPipeline.Options).Latents, second.Generate(SmallPipeline.Options).Latents);
        Assert.NotEqual(without, second.Generate(SmallPipeline.Options).Latents);
    }

    [Fact]
    public void StableDiffusion1TakesItsSequenceAlone()
    {
        using var backend = Device.Open("cpu", 2);
        using var folder = new TemporaryFolder();
        (string Name, long[] Shape)[] tensors = [("layernorm.weight", [24]), ("layernorm.bias", [24]), ("projector.0.weight", [32, 24]), ("projector.2.weight", [48, 32])];
        var random = new Random(1);
        SafetensorsWriter.Write(folder.At("adapter.safetensors"), tensors.Select(tensor =>
        {
            var values = new float[tensor.Shape.Aggregate(1L, (size, extent) => size * extent)];
            for (var i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
            return TensorContent.FromSingles(tensor.Name, tensor.Shape, values);
        }));
        using var pipeline = DiffusionPipeline.Load(Small with { Model = SmallPipeline.Sd15, Adapter = folder.At("adapter.safetensors") }, backend);
        Assert.NotEqual(pipeline.Generate(SmallPipeline.Options).Latents, pipeline.Generate(SmallPipeline.Options with { Prompt = "火箭" }).Latents);
    }

    [Fact]
    public void TheEndThatAStudentDoesNotSeeIsTold()
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(Small with { StudentLength = 6 }, backend);
        Assert.Null(pipeline.CutOff("小熊猫吃"));
        Assert.Equal("竹子", pipeline.CutOff("小熊猫吃竹子"));
    }

    /// <summary>What it does to the checkpoint's text encoders, which an adapter stands for, changes nothing.</summary>
    [Fact]
    public void ALoraOfTextEncodersTooIsTaken()
    {
        using var backend = Device.Open("cpu", 2);
        using var lora = LoraFile.Open(Path.Combine(Golden, "pipeline", "sdxl-random", "lora", "lora_kohya.safetensors"));
        Assert.Contains(lora.Changes, change => change.Component == "text_encoder");
        using var pipeline = DiffusionPipeline.Load(Small, backend);
        var without = pipeline.Generate(SmallPipeline.Options).Latents;
        pipeline.FuseLora(lora, 0.8);
        Assert.NotEqual(without, pipeline.Generate(SmallPipeline.Options).Latents);
        pipeline.UnfuseLora(lora);
        Assert.Equal(without, pipeline.Generate(SmallPipeline.Options).Latents);
    }

    [Fact]
    public void APictureTellsWhatItWasDrawnFrom()
    {
        using var backend = Device.Open("cpu", 2);
        using var folder = new TemporaryFolder();
        var source = Small with { StudentLength = 20 };
        using var pipeline = DiffusionPipeline.Load(source, backend);
        pipeline.Generate(SmallPipeline.Options)[0].Save(folder.At("a.png"));
        Assert.Equal((source.Student, source.Adapter, source.StudentLength),
            PictureMetadata.Load(folder.At("a.png"))!.Source is var read ? (read.Student, read.Adapter, read.StudentLength) : default);
    }

    [Fact]
    public void WhatDoesNotGoTogetherIsNamed()
    {
        AssertRefused<OptionException>("there is no adapter for it", Small with { Adapter = null });
        AssertRefused<OptionException>("there is no student for it", Small with { Student = null });
        AssertRefused<OptionException>("student length 9: there is no student", new(Small.Model) { StudentLength = 9 });
        AssertRefused<OptionException>("clip skip: 1, but an adapter", Small, SmallPipeline.Options with { ClipSkip = 1 });
        AssertRefused<PeaException>("adapter: a sequence of 320 channels, the UNet of", Small with { Adapter = Path.Combine(Samples, "reference-adapter.bin") });
        AssertRefused<PeaException>("no text encoder in this folder", Small with { Student = Samples });
        AssertRefused<PeaException>("expected the norm of a PEA adapter", Small with { Adapter = Path.Combine(Samples, "student", "model.safetensors") });
        using var backend = Device.Open("cpu", 2);
        using var adapter = PeaAdapter.Load(Small.Adapter!, backend);
        using var student = StudentEncoder.Load(Path.Combine(Samples, "student"), backend);
        using var pipeline = DiffusionPipeline.Load(Small.Model, backend);
        var error = Assert.Throws<PeaException>(() => pipeline.UseAdapter(adapter, student));
        Assert.Equal("adapter: for a student of 24 channels, the student gives 384", error.Message);

        static void AssertRefused<T>(string message, PipelineSource source, GenerateOptions? options = null) where T : Exception =>
            Assert.Contains(message, Assert.Throws<T>(() => DiffusionPipeline.Check(source, options ?? SmallPipeline.Options)).Message, StringComparison.Ordinal);
    }
}
