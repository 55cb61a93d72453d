namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The files that a pipeline is loaded from.</summary>
/// <param name="Model">A checkpoint folder in diffusers' layout.</param>
public sealed record PipelineSource(string Model)
{
    /// <summary>Another VAE's folder, in place of the checkpoint's.</summary>
    public string? Vae { get; init; }

    /// <summary>The folder of an SDXL refiner, which does the last steps.</summary>
    public string? Refiner { get; init; }
}
