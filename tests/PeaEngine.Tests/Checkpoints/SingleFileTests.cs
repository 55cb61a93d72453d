using System.Reflection;
using System.Text.Json;
using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>Files of released models, recognised from their headers alone.</summary>
public class SingleFileTests
{
    const string Sdxl = "stable-diffusion-xl-base-1.0", V15 = "stable-diffusion-v1-5";

    static readonly Dictionary<string, Lazy<List<TensorInfo>>> Headers = ReleasedModels.Configs.Keys.ToDictionary(name => name, name => new Lazy<List<TensorInfo>>(() => ReleasedModels.Header(name)));

    public static TheoryData<string> Models => [.. ReleasedModels.Configs.Keys];

    static SingleFile Open(string model, params TensorInfo[] more) => SingleFile.Read(() => new HeaderOnly([.. Headers[model].Value, .. more]), null);

    /// <summary>Configurations are the released ones, and each model finds every tensor that it asks for, in its shape (a matrix may be a 1×1 convolution), and no other.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void IsTheReleasedModel(string model)
    {
        var file = Open(model);

        foreach (var component in ReleasedModels.Configs[model].Keys)
        {
            var files = file.Model(component);
            Assert.Equal(Describe(component, ReleasedModels.Config(model, component)), Describe(component, files.Config));
            using var weights = files.OpenWeights();
            Assert.Equal(
                ReleasedModels.Tensors(model, component).Select(info => $"{info.Name} {info}").Order(StringComparer.Ordinal),
                weights.Tensors.Values.Select(info => $"{WithoutRoot(info.Name)} {info}".Replace(",1,1]", "]", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [InlineData(V15, "StableDiffusionPipeline", "PNDMScheduler", "epsilon")]
    [InlineData("stable-diffusion-2-1", "StableDiffusionPipeline", "DDIMScheduler", "v_prediction")]
    [InlineData(Sdxl, "StableDiffusionXLPipeline", "EulerDiscreteScheduler", "epsilon")]
    [InlineData("SSD-1B", "StableDiffusionXLPipeline", "EulerDiscreteScheduler", "epsilon")]
    [InlineData("stable-diffusion-xl-refiner-1.0", "StableDiffusionXLImg2ImgPipeline", "EulerDiscreteScheduler", "epsilon")]
    public void HasThePipelineAndScheduler(string model, string pipeline, string scheduler, string prediction)
    {
        var file = Open(model);

        Assert.Equal(pipeline, file.Index.String("_class_name"));
        Assert.Equal((scheduler, prediction), (file.Scheduler.String("_class_name"), file.Scheduler.String("prediction_type", "epsilon")));
        Assert.Equal((0.00085, 0.012, "scaled_linear"), (file.Scheduler.Float("beta_start"), file.Scheduler.Float("beta_end"), file.Scheduler.String("beta_schedule")));
        Scheduler.FromConfig(file.Scheduler).Dispose();
        Assert.Equal(model.Contains("refiner", StringComparison.Ordinal), file.Index.Bool("requires_aesthetics_score", false));
    }

    [Theory]
    [InlineData(V15, "StableDiffusionInpaintPipeline")]
    [InlineData("stable-diffusion-2-1", "StableDiffusionInpaintPipeline")]
    [InlineData(Sdxl, "StableDiffusionXLInpaintPipeline")]
    public void NineInputsInpaint(string model, string pipeline)
    {
        const string ConvIn = "model.diffusion_model.input_blocks.0.0.weight";
        var file = SingleFile.Read(() => new HeaderOnly(Headers[model].Value.Select(info => info.Name == ConvIn ? new TensorInfo(ConvIn, DType.F16, [320, 9, 3, 3]) : info)), null);

        Assert.Equal((pipeline, 9), (file.Index.String("_class_name"), new UNetConfig(file.Model("unet").Config).InChannels));
        Assert.Equal("epsilon", file.Scheduler.String("prediction_type", "epsilon"));
    }

    /// <summary>Names, shapes and numbers of keys as sd_xl_base_1.0.safetensors and v1-5-pruned-emaonly.safetensors have them.</summary>
    [Fact]
    public void TheKeysAreThoseOfTheReleasedFiles()
    {
        var sdxl = Headers[Sdxl].Value.ToDictionary(info => info.Name, info => string.Join(',', info.Shape));
        Assert.Equal(2513, sdxl.Count);
        Assert.Equal("1280,2816", sdxl["model.diffusion_model.label_emb.0.0.weight"]);
        Assert.Equal("1280,1280,3,3", sdxl["model.diffusion_model.output_blocks.2.2.conv.weight"]);
        Assert.Equal("1280,2048", sdxl["model.diffusion_model.middle_block.1.transformer_blocks.9.attn2.to_k.weight"]);
        Assert.Equal("640,640", sdxl["model.diffusion_model.input_blocks.4.1.proj_in.weight"]);
        Assert.Equal("320,960,1,1", sdxl["model.diffusion_model.output_blocks.6.0.skip_connection.weight"]);
        Assert.Equal("3840,1280", sdxl["conditioner.embedders.1.model.transformer.resblocks.31.attn.in_proj_weight"]);
        Assert.Equal("1280,1280", sdxl["conditioner.embedders.1.model.text_projection"]);
        Assert.Equal("77,1280", sdxl["conditioner.embedders.1.model.positional_embedding"]);
        Assert.Equal("768,768", sdxl["conditioner.embedders.0.transformer.text_model.encoder.layers.11.self_attn.out_proj.weight"]);
        Assert.Equal("512,512,1,1", sdxl["first_stage_model.encoder.mid.attn_1.q.weight"]);
        Assert.Equal("256,512,1,1", sdxl["first_stage_model.decoder.up.1.block.0.nin_shortcut.weight"]);
        var v15 = Headers[V15].Value.ToDictionary(info => info.Name, info => string.Join(',', info.Shape));
        Assert.Equal(1130, v15.Count);
        Assert.Equal("320,320,1,1", v15["model.diffusion_model.input_blocks.1.1.proj_in.weight"]);
        Assert.Equal("49408,768", v15["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"]);
    }

    /// <summary>What real files have beside their models.</summary>
    [Fact]
    public void KeysThatNoModelNeedsAreLeftOut()
    {
        var sdxl = Open(Sdxl, Tensor("conditioner.embedders.0.transformer.text_model.embeddings.position_ids", 1, 77), Tensor("conditioner.embedders.1.model.logit_scale"), Tensor("denoiser.sigmas", 1000));
        Assert.Equal(196, Count(sdxl, "text_encoder"));

        var sd15 = Open(V15, Tensor("alphas_cumprod", 1000), Tensor("betas", 1000), Tensor("logvar", 1000), Tensor("model_ema.decay"), Tensor("model_ema.diffusion_modelout2bias", 4),
            Tensor("cond_stage_model.transformer.text_model.embeddings.position_ids", 1, 77), Tensor("first_stage_model.loss.logvar"));
        Assert.Equal(248, Count(sd15, "vae"));

        var sd21 = Open("stable-diffusion-2-1", Tensor("cond_stage_model.model.transformer.resblocks.23.ln_1.weight", 1024), Tensor("cond_stage_model.model.text_projection", 1024, 1024));
        Assert.Equal(23, new ClipTextConfig(sd21.Model("text_encoder").Config).HiddenLayers);
        Assert.False(new ClipTextConfig(sd21.Model("text_encoder").Config).HasProjection);
    }

    [Fact]
    public void MarkersSayWhatTheModelWasTunedTo()
    {
        var file = Open(Sdxl, Tensor("v_pred", 0), Tensor("ztsnr", 0));

        Assert.Equal(("v_prediction", true), (file.Scheduler.String("prediction_type"), file.Scheduler.Bool("rescale_betas_zero_snr")));
        Assert.False(Open(Sdxl).Scheduler.Has("prediction_type"));
    }

    [Fact]
    public void WhatIsUnknownIsNamed()
    {
        Assert.Contains("'model.diffusion_model.input_blocks.1.0.in_layers.9.weight' [3] F16 is in no model of SDXL", Refused(() => Open(Sdxl, Tensor("model.diffusion_model.input_blocks.1.0.in_layers.9.weight", 3))));
        Assert.Contains("'edm_mean' [] F16", Refused(() => Open(Sdxl, Tensor("edm_mean"))));
        Assert.Contains("expected a UNet and text encoders in the original key naming", Refused(() => SingleFile.Read(() => new HeaderOnly([Tensor("a", 1)]), null)));
        var wider = Headers[V15].Value.Select(info => info.Name == "model.diffusion_model.input_blocks.0.0.weight" ? new TensorInfo(info.Name, DType.F16, [192, 4, 3, 3]) : info);
        Assert.Contains("192 channels and 768 text features", Refused(() => SingleFile.Read(() => new HeaderOnly(wider), null)));
        var withoutVae = SingleFile.Read(() => new HeaderOnly(Headers[V15].Value.Where(info => !info.Name.StartsWith("first_stage", StringComparison.Ordinal))), null);
        Assert.Contains("no vae in the file, only unet, text_encoder", Refused(() => withoutVae.Model("vae")));
    }

    static string Refused(Action open) => Assert.Throws<PeaException>(open).Message;

    static TensorInfo Tensor(string name, params long[] shape) => new(name, DType.F16, shape);

    static int Count(SingleFile file, string component)
    {
        using var weights = file.Model(component).OpenWeights();
        return weights.Tensors.Count;
    }

    static string WithoutRoot(string key) => key.StartsWith(ClipKeys.Root, StringComparison.Ordinal) ? key[ClipKeys.Root.Length..] : key;

    /// <summary>All that the engine reads of a configuration.</summary>
    static SortedDictionary<string, string> Describe(string component, JsonConfig json)
    {
        object config = component switch { "unet" => new UNetConfig(json), "vae" => new AutoencoderKLConfig(json), _ => new ClipTextConfig(json) };
        return new(config.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(property => property.Name != "EqualityContract")
            .ToDictionary(property => property.Name, property => JsonSerializer.Serialize(property.GetValue(config))), StringComparer.Ordinal);
    }
}
