using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Models;

/// <summary>Golden models and their inputs.</summary>
static class ModelFiles
{
    public static JsonConfig Config(string kind, string name) => JsonConfig.Load(GoldenFolder.At(kind, name, "config.json"));

    public static SafetensorsFile Weights(string kind, string name) =>
        SafetensorsFile.Open(GoldenFolder.At(kind, name, "diffusion_pytorch_model.safetensors"));

    public static UNet2DConditionModel LoadUNet(Backend backend, string name)
    {
        using var weights = Weights("unet", name);
        return UNet2DConditionModel.Load(backend, Config("unet", name), weights);
    }

    public static ControlNetModel LoadControlNet(Backend backend, string name)
    {
        using var weights = Weights("controlnet", name);
        return ControlNetModel.Load(backend, Config("controlnet", name), weights);
    }

    public static AutoencoderKL LoadVae(Backend backend, string name)
    {
        using var weights = Weights("vae", name);
        return AutoencoderKL.Load(backend, Config("vae", name), weights);
    }

    /// <summary>The runs of a golden file that have this tensor: <c>a</c>, <c>b</c>, …</summary>
    public static List<string> Runs(GoldenTensors io, string tensor)
    {
        List<string> runs = [.. io.Names.Select(key => key.Split('.')).Where(parts => parts.Length == 2 && parts[1] == tensor).Select(parts => parts[0])];
        Assert.NotEmpty(runs);
        return runs;
    }

    /// <summary>A golden UNet's inputs of one run.</summary>
    public static (Tensor Sample, Tensor Timesteps, UNetConditioning Conditioning) Inputs(ModelFixture fixture, UNet2DConditionModel unet, GoldenTensors io, string run, Pass? pass = null)
    {
        Tensor? Optional(string name, DType? dtype = null) => io.Has($"{run}.{name}") ? fixture.Upload(io[$"{run}.{name}"], dtype) : null;
        var sample = fixture.UploadImage(io[$"{run}.sample"]);
        var timesteps = fixture.Upload(io[$"{run}.timestep"], DType.F32);
        var text = fixture.Upload(io[$"{run}.encoder_hidden_states"]);
        return (sample, timesteps, unet.Condition(pass ?? fixture.Pass, text, Optional("text_embeds"), Optional("time_ids", DType.F32), Optional("timestep_cond")));
    }
}
