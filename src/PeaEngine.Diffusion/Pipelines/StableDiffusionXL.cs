namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers StableDiffusionXLPipeline and its image-to-image and inpainting siblings: two text encoders, micro-conditioning.</summary>
public sealed class StableDiffusionXL : DiffusionPipeline
{
    internal StableDiffusionXL(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models)
        : base(config, backend, components, models, new StableDiffusionXLConditioner(config.Source.Model, models.Encoders, config.ForceZerosForEmptyPrompt))
    {
    }

    private protected override float[]? TimeIds(GenerateOptions options, GenerationPlan plan, int rows)
    {
        var own = new PixelSize(plan.Height, plan.Width);
        PixelSize original = options.OriginalSize ?? own, crop = options.CropTopLeft, target = options.TargetSize ?? own;
        float[] ids = [original.Height, original.Width, crop.Height, crop.Width, target.Height, target.Width];
        return PromptEmbeddings.Repeat(ids, 1, rows);
    }
}
