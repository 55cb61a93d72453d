namespace PeaEngine.Diffusion.Pipelines;

/// <summary>diffusers StableDiffusionXLPipeline and its image-to-image and inpainting siblings: two text encoders, micro-conditioning.</summary>
public sealed class StableDiffusionXL : DiffusionPipeline
{
    internal StableDiffusionXL(PipelineConfig config, Backend backend, ComponentOwner components, PipelineModels models, ITextConditioner conditioner)
        : base(config, backend, components, models, conditioner)
    {
    }

    private protected override float[]? TimeIds(GenerateOptions options, GenerationPlan plan, int rows)
    {
        var own = new PixelSize(plan.Height, plan.Width);
        PixelSize original = options.OriginalSize ?? own, crop = options.CropTopLeft, target = options.TargetSize ?? own;
        float[] ids = [original.Height, original.Width, crop.Height, crop.Width];
        if (!Config.IsRefiner) return PromptEmbeddings.Repeat([.. ids, target.Height, target.Width], 1, rows);
        float[] positive = [.. ids, (float)options.AestheticScore];
        return rows == 1 ? positive : [.. ids, (float)options.NegativeAestheticScore, .. positive];
    }
}
