namespace PeaEngine.Diffusion.Pipelines;

/// <summary>The files that a pipeline is loaded from.</summary>
/// <param name="Model">A checkpoint: a folder in diffusers' layout, or a single file in the original key naming.</param>
public sealed record PipelineSource(string Model)
{
    /// <summary>A folder with the configurations and tokenizers of a single file, where that is of no known architecture or differs from it.</summary>
    public string? Config { get; init; }

    /// <summary>Another VAE in place of the checkpoint's: a folder, or a file, which the configuration of the checkpoint's goes with.</summary>
    public string? Vae { get; init; }

    /// <summary>A text encoder of another language, a folder or file as its authors publish it; with <see cref="Adapter"/>.</summary>
    public string? Student { get; init; }

    /// <summary>The PEA adapter that maps the student's states to what the UNet takes, so that the checkpoint's own text encoders are not needed.</summary>
    public string? Adapter { get; init; }

    /// <summary>The student's context length, where the adapter's metadata has none; by default 52 for Chinese-CLIP, else the student's own.</summary>
    public int? StudentLength { get; init; }

    /// <summary>The folders of ControlNets.</summary>
    public IReadOnlyList<string> ControlNets { get; init; } = [];

    /// <summary>What is added to the weights, in this order.</summary>
    public IReadOnlyList<LoraSource> Loras { get; init; } = [];

    /// <summary>An SDXL refiner, which does the last steps: a folder or a single file.</summary>
    public string? Refiner { get; init; }

    /// <summary>Checks that what needs another is not alone.</summary>
    /// <exception cref="OptionException">It is.</exception>
    internal void Validate()
    {
        if (Student != null && Adapter == null) throw new OptionException($"student {Student}: there is no adapter for it");
        if (Adapter != null && Student == null) throw new OptionException($"adapter {Adapter}: there is no student for it");
        if (StudentLength != null && Student == null) throw new OptionException($"student length {StudentLength}: there is no student");
    }
}

/// <summary>A LoRA of a pipeline.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Scale">What its products are multiplied by, beside the alphas of the file.</param>
public sealed record LoraSource(string Path, double Scale = 1);
