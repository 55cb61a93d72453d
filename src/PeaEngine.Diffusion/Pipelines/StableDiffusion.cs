namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers StableDiffusionPipeline and its image-to-image and inpainting siblings: SD 1.x and 2.x, one text encoder.</summary>
public sealed class StableDiffusion : DiffusionPipeline
{
    internal StableDiffusion(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models, ITextConditioner conditioner)
        : base(config, backend, components, models, conditioner)
    {
    }
}
