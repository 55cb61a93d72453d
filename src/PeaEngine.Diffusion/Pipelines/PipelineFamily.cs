namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What differs between diffusers' families of pipelines: which text encoders there are, and the default arguments.</summary>
/// <param name="IsXL">Two text encoders and micro-conditioning.</param>
/// <param name="IsGuided">Whether there is classifier-free guidance; a latent consistency model is told its guidance instead.</param>
/// <param name="Steps">num_inference_steps</param>
/// <param name="Guidance">guidance_scale without a mask</param>
/// <param name="InpaintingGuidance">guidance_scale with a mask</param>
/// <param name="ImageToImageStrength">strength without a mask</param>
/// <param name="InpaintingStrength">strength with a mask</param>
sealed record PipelineFamily(bool IsXL, bool IsGuided, int Steps, double Guidance, double InpaintingGuidance, double ImageToImageStrength, double InpaintingStrength)
{
    static readonly PipelineFamily XL = new(IsXL: true, IsGuided: true, 50, 5, 7.5, 0.3, 0.9999);
    static readonly PipelineFamily Plain = new(IsXL: false, IsGuided: true, 50, 7.5, 7.5, 0.8, 1);
    static readonly PipelineFamily LatentConsistency = new(IsXL: false, IsGuided: false, 4, 8.5, 8.5, 0.8, 1);

    /// <summary>The same with the default arguments of its ControlNet pipelines.</summary>
    public PipelineFamily Controlled() => this with { InpaintingGuidance = Guidance, ImageToImageStrength = 0.8 };

    /// <summary>The default of controlnet_conditioning_scale.</summary>
    public double ControlScale(GenerationKind kind) => kind switch
    {
        GenerationKind.ImageToImage => 0.8,
        GenerationKind.Inpainting => IsXL ? 1 : 0.5,
        _ => 1,
    };

    /// <summary>The family of the class that a <c>model_index.json</c> names, or null.</summary>
    public static PipelineFamily? Of(string? className) => className switch
    {
        "StableDiffusionXLPipeline" or "StableDiffusionXLImg2ImgPipeline" or "StableDiffusionXLInpaintPipeline" => XL,
        "StableDiffusionPipeline" or "StableDiffusionImg2ImgPipeline" or "StableDiffusionInpaintPipeline" => Plain,
        "LatentConsistencyModelPipeline" => LatentConsistency,
        _ => null,
    };
}
