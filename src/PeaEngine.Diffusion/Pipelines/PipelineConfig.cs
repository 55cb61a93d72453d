using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The configurations of a pipeline: all that can be known, and refused, before any weight is read.</summary>
sealed class PipelineConfig
{
    const int PictureChannels = 3;

    readonly JsonConfig schedulerConfig;
    readonly int encoderLayers;

    PipelineConfig(PipelineSource source, PipelineFiles files, PipelineFamily family)
    {
        (Source, Files, Family) = (source, files, family);
        schedulerConfig = files.Scheduler;
        UNetFiles = Model(files.Model("unet"), nameof(UNet2DConditionModel));
        VaeFiles = Model(source.Vae is not { } vae ? files.Model("vae") : File.Exists(vae) ? files.Vae(vae) : DiffusersFolder.Open(vae), nameof(AutoencoderKL));
        TextEncoders = !family.IsXL ? [("tokenizer", "text_encoder")]
            : files.Has("text_encoder") ? [("tokenizer", "text_encoder"), ("tokenizer_2", "text_encoder_2")]
            : [("tokenizer_2", "text_encoder_2")];
        (UNet, Vae) = (new(UNetFiles.Config), new(VaeFiles.Config));
        if (Vae.InChannels != PictureChannels || Vae.OutChannels != PictureChannels)
            throw new PeaException($"{VaeFiles.Path}: pictures of {Vae.InChannels} and {Vae.OutChannels} channels, expected {PictureChannels}");
        if (UNet.OutChannels != Vae.LatentChannels)
            throw new PeaException($"{UNetFiles.Path}: predicts {UNet.OutChannels} channels, expected the {Vae.LatentChannels} of {VaeFiles.Path}");
        Scheduler.FromConfig(schedulerConfig).Dispose();
        CheckWeights(UNetFiles);
        CheckWeights(VaeFiles);
        ControlNetFiles = [.. source.ControlNets.Select(path => Model(DiffusersFolder.Open(path), nameof(ControlNetModel)))];
        foreach (var controlNet in ControlNetFiles)
        {
            CheckControlNet(new(controlNet.Config), controlNet.Path);
            CheckWeights(controlNet);
        }
        encoderLayers = int.MaxValue;
        foreach (var (tokenizer, encoder) in TextEncoders)
        {
            _ = files.Tokenizer(tokenizer);
            var encoderFiles = files.Model(encoder);
            encoderLayers = Math.Min(encoderLayers, new ClipTextConfig(encoderFiles.Config).HiddenLayers);
            CheckWeights(encoderFiles);
        }
    }

    /// <summary>What it was read from.</summary>
    public PipelineSource Source { get; }

    /// <summary>Where its parts are.</summary>
    public PipelineFiles Files { get; }

    /// <summary>Which of diffusers' families it is.</summary>
    public PipelineFamily Family { get; }

    public IModelFiles UNetFiles { get; }

    public IModelFiles VaeFiles { get; }

    /// <summary>The names of tokenizers and text encoders, in order.</summary>
    public IReadOnlyList<(string Tokenizer, string Encoder)> TextEncoders { get; }

    public UNetConfig UNet { get; }

    public AutoencoderKLConfig Vae { get; }

    /// <summary>The ControlNets, in the source's order.</summary>
    public IReadOnlyList<IModelFiles> ControlNetFiles { get; }

    /// <summary>Whether an SDXL model was taught to take zeros where there is no negative prompt.</summary>
    public bool ForceZerosForEmptyPrompt => Files.Index.Bool("force_zeros_for_empty_prompt", true);

    /// <summary>Whether it is SDXL's refiner, which is told an aesthetic score and goes on from what is there.</summary>
    public bool IsRefiner => Family.IsXL && Files.Index.Bool("requires_aesthetics_score", false);

    /// <summary>Channels of the pooled embedding that an SDXL UNet takes beside its time ids.</summary>
    int PooledFeatures => UNet.ProjectionClassEmbeddingsInputDim - UNet.AdditionTimeEmbedDim * (IsRefiner ? 5 : 6);

    /// <summary>Reads configurations, and the beginnings of weight files.</summary>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static PipelineConfig Read(PipelineSource source)
    {
        source.Validate();
        var files = PipelineFiles.Open(source.Model, source.Config);
        var family = PipelineFamily.Of(files.Index.OptionalString("_class_name"))
            ?? throw files.Index.Wrong("_class_name", "the class of a StableDiffusion or StableDiffusionXL pipeline");
        return new(source, files, family);
    }

    /// <summary>Fills in the defaults of options and checks them against the model.</summary>
    /// <param name="options">What to draw.</param>
    /// <param name="refined">Whether a refiner goes on from what this model leaves.</param>
    /// <exception cref="OptionException">An option is out of range or does not go with the model.</exception>
    public GenerationPlan Plan(GenerateOptions options, bool refined = false)
    {
        options.Validate(refined);
        var plan = GenerationPlan.Create(options, Family, Vae.Factor, (UNet.SampleHeight, UNet.SampleWidth));
        if (IsRefiner && plan.Kind == GenerationKind.TextToImage)
            throw new OptionException("model: an SDXL refiner does not draw from text alone; give it an init image, or name it with --refiner beside another model");
        CheckChannels(plan.Kind);
        var most = Family.IsXL ? encoderLayers - 1 : encoderLayers;
        if (options.ClipSkip > most) throw new OptionException($"clip skip: {options.ClipSkip}, expected at most {most} for this model");
        return plan;
    }

    /// <summary>That the UNet takes what an adapter gives.</summary>
    /// <exception cref="PeaException">It does not.</exception>
    public void CheckAdapter(PeaAdapter adapter)
    {
        foreach (var features in UNet.CrossAttentionDim)
            if (features != adapter.SequenceFeatures) throw new PeaException($"adapter: a sequence of {adapter.SequenceFeatures} channels, the UNet of {Source.Model} takes {features}");
        if (Family.IsXL && adapter.PooledFeatures != PooledFeatures)
            throw new PeaException($"adapter: {(adapter.PooledFeatures is { } given ? $"a pooled embedding of {given} channels" : "no pooled embedding")}, the UNet of {Source.Model} takes one of {PooledFeatures}");
    }

    /// <summary>ᾱ of every training timestep.</summary>
    /// <exception cref="PeaException">The model does not predict the noise.</exception>
    public IReadOnlyList<float> AlphasCumprod
    {
        get
        {
            using var scheduler = Scheduler.FromConfig(schedulerConfig);
            return schedulerConfig.String("prediction_type", "epsilon") == "epsilon" ? scheduler.AlphasCumprod : throw schedulerConfig.Wrong("prediction_type", "epsilon");
        }
    }

    /// <summary>That another pipeline can go on from this one's latents.</summary>
    /// <exception cref="PeaException">It cannot.</exception>
    public void CheckRefiner(PipelineConfig refiner)
    {
        if (!refiner.Family.IsXL) throw new PeaException($"{refiner.Source.Model}: no SDXL pipeline, expected an SDXL refiner");
        if ((refiner.UNet.InChannels, refiner.Vae.Factor) != (Vae.LatentChannels, Vae.Factor))
            throw new PeaException($"{refiner.Source.Model}: latents of {refiner.UNet.InChannels} channels and {refiner.Vae.Factor} pixels, expected the {Vae.LatentChannels} and {Vae.Factor} of {Source.Model}");
    }

    /// <summary>That every LoRA is one and fits the model's weights, as far as the headers tell.</summary>
    /// <exception cref="PeaException">A file is missing, damaged, or changes what the model does not have.</exception>
    public void CheckLoras()
    {
        if (Source.Loras.Count == 0) return;
        var changeable = new LoraWeights();
        using (var weights = UNetFiles.OpenWeights()) changeable.Add(LoraKey.UNet, weights, UNetKeys.Map(UNetLayout.Of(UNet)));
        foreach (var (_, encoder) in TextEncoders)
        {
            using var weights = Files.Model(encoder).OpenWeights();
            changeable.Add(encoder, weights, null);
        }
        foreach (var lora in Source.Loras)
        {
            using var file = LoraFile.Open(lora.Path);
            _ = changeable.Find(file);
        }
    }

    /// <summary>That a ControlNet's residuals are for this UNet, and that it can be told what the UNet is told.</summary>
    /// <param name="net">Its configuration.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="PeaException">It does not fit.</exception>
    public void CheckControlNet(ControlNetConfig net, string name)
    {
        Same("block_out_channels", net.BlockOutChannels, UNet.BlockOutChannels);
        Same("layers_per_block", net.LayersPerBlock, UNet.LayersPerBlock);
        Same("cross_attention_dim", net.CrossAttentionDim, UNet.CrossAttentionDim);
        if (net.IsTextTime)
        {
            Same("projection_class_embeddings_input_dim", [net.ProjectionClassEmbeddingsInputDim], [UNet.ProjectionClassEmbeddingsInputDim]);
            Same("addition_time_embed_dim", [net.AdditionTimeEmbedDim], [UNet.AdditionTimeEmbedDim]);
        }
        if (net.InChannels != Vae.LatentChannels) throw new PeaException($"{name}: in_channels is {net.InChannels}, expected the {Vae.LatentChannels} of {VaeFiles.Path}");
        if (net.ConditioningChannels != PictureChannels) throw new PeaException($"{name}: conditioning_channels is {net.ConditioningChannels}, expected {PictureChannels}");
        if (net.Factor != Vae.Factor) throw new PeaException($"{name}: its control image becomes {net.Factor} times smaller, expected the {Vae.Factor} of {VaeFiles.Path}");

        void Same(string key, IReadOnlyList<int> own, IReadOnlyList<int> expected)
        {
            if (!own.SequenceEqual(expected)) throw new PeaException($"{name}: {key} is {string.Join(", ", own)}, expected the {string.Join(", ", expected)} of {UNetFiles.Path}");
        }
    }

    /// <summary>That there is a control for each ControlNet.</summary>
    /// <exception cref="OptionException">There is not.</exception>
    public static void CheckControls(GenerateOptions options, int controlNets)
    {
        if (options.Controls.Count != controlNets) throw new OptionException($"control images: {options.Controls.Count} for {controlNets} ControlNets, expected one for each");
    }

    /// <summary>The scheduler that the options ask for, with its timesteps set.</summary>
    /// <exception cref="PeaException">There is no such name, it cannot follow the model's settings, or it does not take so many steps.</exception>
    public Scheduler CreateScheduler(GenerateOptions options, GenerationPlan plan)
    {
        var config = Family is { IsXL: false, IsGuided: true } && options.Controls.Count == 0 ? AsPipelineCorrectsIt(schedulerConfig, plan.Kind) : schedulerConfig;
        var scheduler = options.Scheduler is { } name ? SchedulerCatalog.Create(name, config) : Scheduler.FromConfig(config);
        try
        {
            scheduler.SetTimesteps(plan.Steps);
            return scheduler;
        }
        catch
        {
            scheduler.Dispose();
            throw;
        }
    }

    /// <summary>diffusers' SD pipelines take some settings of a scheduler for outdated and put others in their place; SDXL's and those with ControlNets do not.</summary>
    static JsonConfig AsPipelineCorrectsIt(JsonConfig config, GenerationKind kind)
    {
        var corrected = config.With("steps_offset", "1"u8);
        return kind == GenerationKind.Inpainting ? corrected.With("skip_prk_steps", "true"u8) : corrected.With("clip_sample", "false"u8);
    }

    static IModelFiles Model(IModelFiles files, string className) => files.ClassName is null || files.ClassName == className
        ? files
        : throw files.Config.Wrong("_class_name", $"\"{className}\"");

    /// <summary>Opening reads and checks the header, so that a damaged file is found before another one has been loaded.</summary>
    static void CheckWeights(IModelFiles files) => files.OpenWeights().Dispose();

    void CheckChannels(GenerationKind kind)
    {
        int channels = UNet.InChannels, latents = Vae.LatentChannels, inpainting = 2 * latents + 1;
        if (channels == latents || (channels == inpainting && kind == GenerationKind.Inpainting)) return;
        throw new OptionException(channels == inpainting
            ? $"model: its UNet takes {channels} channels and inpaints; give it {(kind == GenerationKind.ImageToImage ? "a mask too" : "an init image and a mask")}"
            : $"model: its UNet takes {channels} channels, expected {latents}, or {inpainting} to inpaint");
    }
}
