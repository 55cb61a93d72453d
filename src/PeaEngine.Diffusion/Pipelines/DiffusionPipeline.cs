using System.Diagnostics;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;
using PeaEngine.Formats;
using PeaEngine.Randomness;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// A checkpoint folder in diffusers' layout, loaded onto a backend, that draws: text to image, image to image and inpainting. One
/// call at a time; the backend stays the caller's.
/// </summary>
public abstract class DiffusionPipeline : IDisposable
{
    readonly ComponentOwner components;
    readonly AutoencoderKL vae;
    readonly JsonConfig schedulerConfig;

    private protected DiffusionPipeline(DiffusersFolder folder, Backend backend, string? vaeFolder, ComponentOwner components)
    {
        (Backend, Path, this.components) = (backend, folder.Path, components);
        schedulerConfig = folder.Component("scheduler").Config;
        Scheduler.FromConfig(schedulerConfig).Dispose();
        var unet = folder.Component("unet");
        using (var weights = unet.OpenWeights()) UNet = components.Own(UNet2DConditionModel.Load(backend, unet.Config, weights));
        var autoencoder = vaeFolder == null ? folder.Component("vae") : DiffusersFolder.Open(vaeFolder);
        using (var weights = autoencoder.OpenWeights()) vae = components.Own(AutoencoderKL.Load(backend, autoencoder.Config, weights));
    }

    /// <summary>The folder it was loaded from.</summary>
    public string Path { get; }

    /// <summary>Where it computes.</summary>
    public Backend Backend { get; }

    private protected UNet2DConditionModel UNet { get; }

    private protected abstract PipelineDefaults Defaults { get; }

    /// <summary>Loads the folder's pipeline, whichever class its <c>model_index.json</c> names.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="backend">Where the weights go and the work is done.</param>
    /// <param name="vae">Another VAE's folder, in place of the checkpoint's.</param>
    /// <exception cref="PeaException">A file is missing, damaged, or of an architecture that is not supported.</exception>
    public static DiffusionPipeline Load(string path, Backend backend, string? vae = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var folder = DiffusersFolder.Open(path);
        var components = new ComponentOwner();
        try
        {
            return folder.ClassName switch
            {
                "StableDiffusionXLPipeline" or "StableDiffusionXLImg2ImgPipeline" or "StableDiffusionXLInpaintPipeline" =>
                    new StableDiffusionXL(folder, backend, vae, components),
                "StableDiffusionPipeline" or "StableDiffusionImg2ImgPipeline" or "StableDiffusionInpaintPipeline" or "LatentConsistencyModelPipeline" =>
                    new StableDiffusion(folder, backend, vae, components),
                var other => throw new PeaException($"{path}: model_index.json names the pipeline '{other}', expected a StableDiffusion or StableDiffusionXL one"),
            };
        }
        catch
        {
            components.Dispose();
            throw;
        }
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
        options.Validate();
        var clock = Stopwatch.StartNew();
        var space = new LatentSpace(Backend, vae);
        var plan = GenerationPlan.Create(options, Defaults, space.Factor, (UNet.Config.SampleHeight, UNet.Config.SampleWidth));
        using var scheduler = options.Scheduler is { } name ? SchedulerCatalog.Create(name, schedulerConfig) : Scheduler.FromConfig(schedulerConfig);
        scheduler.SetTimesteps(plan.Steps);
        scheduler.SetBeginIndex(plan.FirstStep * scheduler.Order);
        var generator = new TorchGenerator(options.Seed);

        var guided = plan.Guidance > 1 && UNet.Config.TimeCondProjDim == 0;
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
