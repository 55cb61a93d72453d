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

    private protected DiffusionPipeline(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models)
    {
        (this.config, Backend, this.components) = (config, backend, components);
        (UNet, vae) = (models.UNet, models.Vae);
    }

    /// <summary>The folder it was loaded from.</summary>
    public string Path => config.Folder.Path;

    /// <summary>Where it computes.</summary>
    public Backend Backend { get; }

    private protected UNet2DConditionModel UNet { get; }

    /// <summary>Loads the folder's pipeline, whichever class its <c>model_index.json</c> names.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="backend">Where the weights go and the work is done.</param>
    /// <param name="vae">Another VAE's folder, in place of the checkpoint's.</param>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static DiffusionPipeline Load(string path, Backend backend, string? vae = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var config = PipelineConfig.Read(path, vae);
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
    /// Refuses at once what <see cref="Load"/> and <see cref="Generate"/> would refuse after much reading, as far as the folder's
    /// configurations and the headers of its weight files tell.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="options">What to draw.</param>
    /// <param name="vae">Another VAE's folder, in place of the checkpoint's.</param>
    /// <exception cref="OptionException">An option is out of range or does not go with the model.</exception>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static void Check(string path, GenerateOptions options, string? vae = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var config = PipelineConfig.Read(path, vae);
        config.CreateScheduler(options, config.Plan(options)).Dispose();
    }

    /// <summary>The end of a prompt that the model will not see because it is too long, as its tokenizer reads it; or null.</summary>
    public abstract string? CutOff(string prompt);

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
        var embeddings = EncodePrompt(options, guided, cancellation);
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
            pixels.Texts = PictureMetadata.Texts(options, plan, scheduler, Path, i);
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

    private protected abstract PromptEmbeddings EncodePrompt(GenerateOptions options, bool guided, CancellationToken cancellation);

    /// <summary>SDXL's micro-conditioning, [rows, n], for models that take it.</summary>
    private protected virtual float[]? TimeIds(GenerateOptions options, GenerationPlan plan, int rows) => null;
}
