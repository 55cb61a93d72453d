using System.Diagnostics;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Schedulers;
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
    readonly ComponentOwner components;
    readonly PipelineConfig config;
    readonly AutoencoderKL vae;
    readonly ITextConditioner conditioner;

    private protected DiffusionPipeline(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models, ITextConditioner conditioner)
    {
        (this.config, Backend, this.components, this.conditioner) = (config, backend, components, conditioner);
        (UNet, vae) = (models.UNet, models.Vae);
    }

    /// <summary>What it was loaded from.</summary>
    public PipelineSource Source => config.Source;

    /// <summary>Where it computes.</summary>
    public Backend Backend { get; }

    private protected UNet2DConditionModel UNet { get; }

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
            return config.Family.IsXL ? new StableDiffusionXL(config, backend, components, models) : new StableDiffusion(config, backend, components, models);
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
        config.CreateScheduler(options, config.Plan(options)).Dispose();
    }

    /// <summary>The end of a prompt that the model will not see because it is too long, as its tokenizer reads it; or null.</summary>
    public string? CutOff(string prompt) => conditioner.CutOff(prompt);

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
        var space = new LatentSpace(Backend, vae);
        var plan = config.Plan(options);
        using var scheduler = config.CreateScheduler(options, plan);
        var generator = new TorchGenerator(options.Seed);

        var guided = config.Family.IsGuided && plan.Guidance > 1 && UNet.Config.TimeCondProjDim == 0;
        var embeddings = conditioner.Encode(options, guided, cancellation);
        var start = InitialLatents.Create(Backend, space, scheduler, generator, plan, options, embeddings.Rows, UNet.Config.InChannels, cancellation);
        var input = new DenoisingInput(plan, options.Count, options.GuidanceRescale, options.Eta ?? NamedEta(options.Scheduler), embeddings, TimeIds(options, plan, embeddings.Rows), start);
        var loop = new DenoisingLoop(Backend, UNet, input, scheduler, new GeneratorNoise(Backend, generator));
        int h = start.Shape[2], w = start.Shape[3];
        var latents = loop.Run(progress == null ? null : Report, cancellation);

        var images = new GeneratedImage[options.Count];
        for (var i = 0; i < images.Length; i++)
        {
            var values = Decode(latents, i);
            var pixels = VaeImageProcessor.ToImage(values, plan.Width, plan.Height);
            pixels.Texts = PictureMetadata.Texts(options, plan, scheduler, Source, i);
            images[i] = new(pixels, values);
        }
        return new(options, plan, [options.Count, space.Channels, h, w], latents, clock.Elapsed, images);

        // The reference's pipelines pass 0 even to the classes with another default.
        static double NamedEta(string? scheduler) => (scheduler == null ? null : SchedulerCatalog.Eta(scheduler)) ?? 0;

        float[] Decode(float[] all, int index)
        {
            var size = all.Length / options.Count;
            return space.Decode(all.AsMemory(index * size, size), h, w, cancellation);
        }

        void Report(int step, int total, TimeSpan elapsed, Func<float[]> current) => progress!.Report(new(step, total, elapsed, current, () =>
        {
            var now = current();
            return [.. Enumerable.Range(0, options.Count).Select(i => VaeImageProcessor.ToImage(Decode(now, i), plan.Width, plan.Height))];
        }));
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
