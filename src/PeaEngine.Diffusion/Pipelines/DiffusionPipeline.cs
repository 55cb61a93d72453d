using System.Diagnostics;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Randomness;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// A checkpoint folder in diffusers' layout, loaded onto a backend, that draws: text to image, image to image and inpainting. One
/// call at a time; the backend stays the caller's.
/// </summary>
public abstract class DiffusionPipeline : IDisposable
{
    const double DefaultRefinerStart = 0.8;

    readonly ComponentOwner components;
    readonly AutoencoderKL vae;
    readonly LoraStack loras;
    IReadOnlyList<ControlNetModel> controlNets;
    DiffusionPipeline? refiner;

    private protected DiffusionPipeline(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models, ITextConditioner conditioner)
    {
        (Config, Backend, this.components) = (config, backend, components);
        Conditioner = conditioner;
        (UNet, vae, controlNets) = (models.UNet, models.Vae, models.ControlNets);
        WeightBytes = UNet.WeightBytes + vae.WeightBytes + models.Encoders.Sum(encoder => encoder.WeightBytes);
        Tokens = models.Encoders.Count > 0 ? models.Encoders[^1].Tokens : null;
        loras = new(backend);
        loras.Add(LoraKey.UNet, UNet.Weights, UNetKeys.Map(UNetLayout.Of(UNet.Config)));
        foreach (var ((_, name), encoder) in config.TextEncoders.Zip(models.Encoders)) loras.Add(name, encoder.Weights);
        foreach (var (_, name) in config.TextEncoders.Skip(models.Encoders.Count)) loras.AddAbsent(name);
    }

    /// <summary>What it was loaded from.</summary>
    public PipelineSource Source => Config.Source;

    /// <summary>What is fused into its weights at present, in order.</summary>
    public IReadOnlyList<LoraSource> Loras => loras.Sources;

    /// <summary>Where it computes.</summary>
    public Backend Backend { get; }

    private protected PipelineConfig Config { get; }

    /// <summary>The VAE.</summary>
    internal AutoencoderKL Vae => vae;

    /// <summary>What makes embeddings of prompts at present.</summary>
    internal ITextConditioner Conditioner { get; private set; }

    /// <summary>Positions of a prompt's sequence, where the checkpoint's own text encoders are loaded.</summary>
    internal int? Tokens { get; }

    /// <summary>The denoiser.</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>The bytes of the weights of its UNet, VAE and text encoders, as they lie on the backend.</summary>
    public long WeightBytes { get; }

    /// <summary>ᾱ of every timestep that the model was trained with.</summary>
    /// <exception cref="PeaException">The model does not predict the noise.</exception>
    public IReadOnlyList<float> AlphasCumprod => Config.AlphasCumprod;

    /// <summary>Whether an SDXL model was taught to take zeros where there is no text.</summary>
    public bool ForceZerosForEmptyPrompt => Config.Family.IsXL && Config.ForceZerosForEmptyPrompt;

    /// <summary>Loads a checkpoint alone, as <see cref="Load(PipelineSource, Backend)"/> does.</summary>
    public static DiffusionPipeline Load(string model, Backend backend) => Load(new PipelineSource(model), backend);

    /// <summary>Loads a pipeline, whichever class its <c>model_index.json</c> names.</summary>
    /// <param name="source">Its files.</param>
    /// <param name="backend">Where the weights go and the work is done.</param>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static DiffusionPipeline Load(PipelineSource source, Backend backend)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(backend);
        var config = PipelineConfig.Read(source);
        var components = new ComponentOwner();
        try
        {
            var models = new PipelineModels(config, backend, components);
            ITextConditioner conditioner = source.Adapter != null ? AdapterConditioner.Load(backend, config, components)
                : config.Family.IsXL ? new StableDiffusionXLConditioner(source.Model, models.Encoders, config.ForceZerosForEmptyPrompt)
                : new StableDiffusionConditioner(models.Encoders[0]);
            DiffusionPipeline pipeline = config.Family.IsXL
                ? new StableDiffusionXL(config, backend, components, models, conditioner)
                : new StableDiffusion(config, backend, components, models, conditioner);
            foreach (var lora in source.Loras) pipeline.FuseLora(components.Own(LoraFile.Open(lora.Path)), lora.Scale);
            if (source.Refiner is { } refiner) pipeline.UseRefiner(components.Own(Load(refiner, backend)));
            return pipeline;
        }
        catch
        {
            components.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Refuses at once what <see cref="Load(PipelineSource, Backend)"/> and <see cref="Generate"/> would refuse after much reading, as far as
    /// configurations and the headers of weight files tell.
    /// </summary>
    /// <param name="source">The files.</param>
    /// <param name="options">What to draw.</param>
    /// <exception cref="OptionException">An option is out of range or does not go with the model.</exception>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static void Check(PipelineSource source, GenerateOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        var config = PipelineConfig.Read(source);
        var plan = config.Plan(options, source.Refiner != null);
        PipelineConfig.CheckControls(options, source.ControlNets.Count);
        config.CreateScheduler(options, plan).Dispose();
        config.CheckLoras();
        if (source.Adapter is { } file)
        {
            using var nowhere = Device.OpenNull();
            using var adapter = PeaAdapter.Load(file, nowhere);
            config.CheckAdapter(adapter);
            AdapterConditioner.Check(options);
            _ = StudentFiles.Find(source.Student!);
        }
        if (source.Refiner is not { } path) return;
        var refiner = PipelineConfig.Read(new(path));
        config.CheckRefiner(refiner);
        refiner.CreateScheduler(options, plan).Dispose();
    }

    /// <summary>
    /// Takes prompts through a student and an adapter from now on, in place of the checkpoint's text encoders; both stay the caller's.
    /// </summary>
    /// <exception cref="PeaException">The student, the adapter and the UNet do not go together.</exception>
    public void UseAdapter(PeaAdapter adapter, StudentEncoder student)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(student);
        Conditioner = new AdapterConditioner(Backend, Config, adapter, student);
    }

    /// <summary>
    /// Adds scale · alpha/rank · up · down, or scale · a difference, to the weights of the UNet and the text encoders, in F32, which the changed
    /// weights remain in, or are rounded from once where activations have 16 bits. A LoRA without an alpha counts as one whose alpha is its rank. Several add up in the order in which they come.
    /// </summary>
    /// <param name="lora">The file. It stays the caller's, and must stay open until it is taken out: it is read again when another one is added or taken out.</param>
    /// <param name="scale">What the products are multiplied by; negative for the opposite.</param>
    /// <exception cref="PeaException">
    /// It does not fit the weights, or it is fused already: then nothing has changed. It cannot be read to its end, or there is no memory: then
    /// no LoRA is fused any more.
    /// </exception>
    public void FuseLora(LoraFile lora, double scale = 1)
    {
        ArgumentNullException.ThrowIfNull(lora);
        loras.Fuse(lora, scale);
    }

    /// <summary>Takes a LoRA out: the weights are to the bit what they would be if it had never been there.</summary>
    /// <exception cref="PeaException">It is not fused. Or another one cannot be read: then no LoRA is fused any more.</exception>
    public void UnfuseLora(LoraFile lora)
    {
        ArgumentNullException.ThrowIfNull(lora);
        loras.Unfuse(lora);
    }

    /// <summary>Takes all LoRAs out.</summary>
    public void UnfuseLoras() => loras.Clear();

    /// <summary>
    /// Lets these ControlNets, and no others, take part in what is drawn from now on, each told what it sees by
    /// <see cref="GenerateOptions.Controls"/>; they stay the caller's, and are on the same backend.
    /// </summary>
    /// <exception cref="PeaException">One is not made for this pipeline's UNet.</exception>
    public void UseControlNets(params IReadOnlyList<ControlNetModel> controlNets)
    {
        ArgumentNullException.ThrowIfNull(controlNets);
        foreach (var net in controlNets) Config.CheckControlNet(net.Config, net.Path);
        this.controlNets = [.. controlNets];
    }

    /// <summary>Lets another SDXL pipeline do the last steps, from <see cref="GenerateOptions.RefinerStart"/> on; it stays the caller's.</summary>
    /// <exception cref="PeaException">Its latents are not this pipeline's, or it is not on the same backend.</exception>
    public void UseRefiner(DiffusionPipeline refiner)
    {
        ArgumentNullException.ThrowIfNull(refiner);
        Config.CheckRefiner(refiner.Config);
        if (refiner.Backend != Backend) throw new PeaException($"{refiner.Source.Model}: a refiner on another backend than {Source.Model}");
        this.refiner = refiner;
    }

    /// <summary>The end of a plain prompt that the model will not see because it is too long, as its tokenizer reads it; or null.</summary>
    public string? CutOff(string prompt) => Conditioner.CutOff(prompt);

    /// <summary>What the UNet is told of plain prompts, at least one: a row for each, through the student and the adapter where there are such.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public PromptEmbeddings Encode(IReadOnlyList<string> prompts, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return Conditioner.Encode(prompts, cancellation);
    }

    /// <summary>Draws.</summary>
    /// <param name="options">What to draw.</param>
    /// <param name="progress">Told before the first step and after each.</param>
    /// <param name="cancellation">Ends the call within one step.</param>
    /// <exception cref="OptionException">An option is out of range or does not go with the model.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Generation Generate(GenerateOptions options, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var clock = Stopwatch.StartNew();
        var plan = Config.Plan(options, refiner != null);
        PipelineConfig.CheckControls(options, controlNets.Count);
        using var scheduler = Config.CreateScheduler(options, plan);
        using var refinerScheduler = refiner?.Config.CreateScheduler(options, plan);
        StepWindow window = StepWindow.Of(scheduler, plan), rest = default;
        var controls = controlNets.Select((model, i) => ControlInput.Create(model, options.Controls[i], plan, window)).ToArray();
        if (refinerScheduler != null)
        {
            var start = options.RefinerStart ?? DefaultRefinerStart;
            (window, rest) = (window.EndingAt(scheduler, start), StepWindow.StartingAt(refinerScheduler, start));
        }
        var space = new LatentSpace(Backend, (refiner ?? this).vae);
        Shape shape = [options.Count, space.Channels, plan.Height / space.Factor, plan.Width / space.Factor];
        var meter = new ProgressMeter(progress, window.Count + rest.Count, latents => [.. Decode(latents).Select(image => image.Pixels)]);
        var generator = new TorchGenerator(options.Seed);
        var latents = Denoise(new(options, plan, window, scheduler, generator, meter, controls), rows => InitialLatents.Create(
            Backend, new LatentSpace(Backend, vae), scheduler, generator, plan, options, rows, UNet.Config.InChannels, cancellation), cancellation);
        if (refinerScheduler != null)
            latents = refiner!.Denoise(new(options, plan, rest, refinerScheduler, generator, meter, []), _ => new(shape, latents), cancellation);

        var images = Decode(latents).ToArray();
        for (var i = 0; i < images.Length; i++) images[i].Pixels.Texts = PictureMetadata.Texts(options, plan, scheduler, Source with { ControlNets = [.. controlNets.Select(net => net.Path)], Loras = Loras }, i);
        return new(options, plan, [.. shape], latents, clock.Elapsed, images);

        IEnumerable<GeneratedImage> Decode(float[] all)
        {
            var size = all.Length / options.Count;
            for (var i = 0; i < options.Count; i++)
            {
                var values = space.Decode(all.AsMemory(i * size, size), shape[2], shape[3], cancellation);
                yield return new(VaeImageProcessor.ToImage(values, plan.Width, plan.Height), values);
            }
        }
    }

    /// <summary>One model's part of a generation.</summary>
    readonly record struct Stage(GenerateOptions Options, GenerationPlan Plan, StepWindow Window, Scheduler Scheduler, TorchGenerator Generator, ProgressMeter Meter, ControlInput[] Controls);

    /// <summary>Encodes the prompt and runs a stage's steps: the latents [count, C, h, w] that it leaves.</summary>
    float[] Denoise(in Stage stage, Func<int, InitialLatents> start, CancellationToken cancellation)
    {
        var (options, plan) = (stage.Options, stage.Plan);
        var guided = Config.Family.IsGuided && plan.Guidance > 1 && UNet.Config.TimeCondProjDim == 0;
        var embeddings = Conditioner.Encode(options, guided, cancellation);
        FiniteValues.Check("prompt", Backend, embeddings.Sequence);
        if (embeddings.Pooled is { } pooled) FiniteValues.Check("pooled prompt", Backend, pooled);
        var rows = embeddings.Rows;
        // The reference's pipelines pass an eta of 0 even to the classes with another default.
        var eta = options.Eta ?? (options.Scheduler == null ? null : SchedulerCatalog.Eta(options.Scheduler)) ?? 0;
        var input = new DenoisingInput(stage.Window, plan.Guidance, options.Count, options.GuidanceRescale, eta, embeddings, TimeIds(options, plan, rows), start(rows))
        {
            Controls = stage.Controls,
            GuessMode = options.GuessMode || stage.Controls is [{ Model.Config.GlobalPoolConditions: true }, ..],
        };
        return new DenoisingLoop(Backend, UNet, input, stage.Scheduler, new GeneratorNoise(Backend, stage.Generator)).Run(stage.Meter, cancellation);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        components.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>SDXL's micro-conditioning, [rows, n], for models that take it.</summary>
    private protected virtual float[]? TimeIds(GenerateOptions options, GenerationPlan plan, int rows) => null;
}
