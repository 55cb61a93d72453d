using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Formats;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>A VAE that is a file: the pipeline's own, in every naming, draws what the pipeline draws.</summary>
public sealed class VaeFileTests : IDisposable
{
    static readonly string Own = Path.Combine(SmallPipeline.Sdxl, "vae", "diffusion_pytorch_model.safetensors");

    static readonly Lazy<float[]> Expected = new(() => Draw(new(SmallPipeline.Sdxl)));

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MayHaveDiffusersNames() => Assert.Equal(Expected.Value, Draw(new(SmallPipeline.Sdxl) { Vae = Own }));

    [Theory]
    [InlineData("")]
    [InlineData("first_stage_model.")]
    public void MayHaveOriginalNames(string prefix) => Assert.Equal(Expected.Value, Draw(new(SmallPipeline.Sdxl) { Vae = Original(prefix) }));

    /// <summary>Of a checkpoint of everything only the VAE is taken; and a checkpoint may be without one.</summary>
    [Fact]
    public void MayBePartOfACheckpointOrWhatACheckpointLacks()
    {
        CheckpointConversion.Run(SmallPipeline.Sdxl, folder.At("whole.safetensors"), new());
        using (var whole = SafetensorsFile.Open(folder.At("whole.safetensors")))
            SafetensorsWriter.Write(folder.At("without.safetensors"), whole.Tensors.Keys.Where(key => !key.StartsWith("first_stage_model.", StringComparison.Ordinal)).Select(key => TensorContent.FromSource(whole, key)));

        Assert.Equal(Expected.Value, Draw(new(SmallPipeline.Sdxl) { Vae = folder.At("whole.safetensors") }));
        Assert.Equal(Expected.Value, Draw(new(folder.At("without.safetensors")) { Config = SmallPipeline.Sdxl, Vae = Original("") }));
        Refuses("no vae in the file", new(folder.At("without.safetensors")) { Config = SmallPipeline.Sdxl });
    }

    [Fact]
    public void WhatIsNoVaeIsRefused()
    {
        Refuses("no VAE", new(SmallPipeline.Sdxl) { Vae = Path.Combine(SmallPipeline.Sdxl, "unet", "diffusion_pytorch_model.safetensors") });
        Refuses("the content is unknown", new(SmallPipeline.Sdxl) { Vae = folder.Write("text", "text") });
    }

    static void Refuses(string message, PipelineSource source) => Assert.Contains(message, Assert.Throws<PeaException>(() => DiffusionPipeline.Check(source, SmallPipeline.Options)).Message);

    static float[] Draw(PipelineSource source)
    {
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(source, backend);
        return pipeline.Generate(SmallPipeline.Options)[0].Values;
    }

    string Original(string prefix)
    {
        var path = folder.At("vae.safetensors");
        var map = VaeKeys.Map(new(Blocks: 4, Layers: 2));
        File.Copy(Own, path);
        RewrittenCheckpoint.Rename(path, key => prefix + Assert.IsType<string>(map.ToOriginal(key)));
        return path;
    }
}
