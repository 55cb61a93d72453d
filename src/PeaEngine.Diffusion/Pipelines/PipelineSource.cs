namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The files that a pipeline is loaded from.</summary>
/// <param name="Model">A checkpoint: a folder in diffusers' layout, or a single file in the original key naming.</param>
public sealed record PipelineSource(string Model)
{
    /// <summary>A folder with the configurations and tokenizers of a single file, where that is of no known architecture or differs from it.</summary>
    public string? Config { get; init; }

    /// <summary>Another VAE's folder, in place of the checkpoint's.</summary>
    public string? Vae { get; init; }

    /// <summary>The folders of ControlNets.</summary>
    public IReadOnlyList<string> ControlNets { get; init; } = [];

    /// <summary>What is added to the weights, in this order.</summary>
    public IReadOnlyList<LoraSource> Loras { get; init; } = [];

    /// <summary>The folder of an SDXL refiner, which does the last steps.</summary>
    public string? Refiner { get; init; }
}

/// <summary>A LoRA of a pipeline.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Scale">What its products are multiplied by, beside the alphas of the file.</param>
public sealed record LoraSource(string Path, double Scale = 1);
