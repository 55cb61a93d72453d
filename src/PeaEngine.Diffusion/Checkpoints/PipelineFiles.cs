using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>A pipeline's parts: those of a folder in diffusers' layout, or of a single file.</summary>
abstract class PipelineFiles
{
    /// <summary>The <c>model_index.json</c>: the pipeline's class, and its settings.</summary>
    public abstract JsonConfig Index { get; }

    /// <summary>The <c>scheduler_config.json</c>.</summary>
    public abstract JsonConfig Scheduler { get; }

    /// <summary>Opens a folder or a single file.</summary>
    /// <param name="path">Which.</param>
    /// <param name="config">A folder with the configurations and tokenizers of a single file that is of no known architecture, or null.</param>
    /// <exception cref="PeaException">A file is missing or damaged, or not of a known architecture.</exception>
    /// <exception cref="OptionException">A folder is given configurations from elsewhere.</exception>
    public static PipelineFiles Open(string path, string? config)
    {
        if (File.Exists(path)) return SingleFile.Read(path, config);
        if (config != null) throw new OptionException($"config: {config}, but {path} is no single file: a folder has its own configurations");
        var folder = DiffusersFolder.Open(path);
        _ = folder.Components;
        return new FolderFiles(folder);
    }

    /// <summary>Whether the pipeline has a component of this name.</summary>
    public abstract bool Has(string component);

    /// <summary>A model of the pipeline.</summary>
    /// <param name="component">Its name, such as <c>unet</c>.</param>
    /// <exception cref="PeaException">It is missing.</exception>
    public abstract IModelFiles Model(string component);

    /// <summary>A VAE in a file of its own, in the original naming or in diffusers', with the configuration of the pipeline's own.</summary>
    /// <exception cref="PeaException">The file is damaged or no VAE, or the pipeline has no configuration for one.</exception>
    public abstract IModelFiles Vae(string path);

    /// <summary>A tokenizer of the pipeline.</summary>
    /// <param name="component">Its name, such as <c>tokenizer_2</c>.</param>
    /// <exception cref="PeaException">It is missing.</exception>
    public abstract TokenizerFiles Tokenizer(string component);
}

/// <summary>A pipeline folder.</summary>
sealed class FolderFiles(DiffusersFolder folder) : PipelineFiles
{
    /// <inheritdoc/>
    public override JsonConfig Index => folder.Config;

    /// <inheritdoc/>
    public override JsonConfig Scheduler => folder.Component("scheduler").Config;

    /// <inheritdoc/>
    public override bool Has(string component) => folder.Components.ContainsKey(component);

    /// <inheritdoc/>
    public override IModelFiles Model(string component) => folder.Component(component);

    /// <inheritdoc/>
    public override IModelFiles Vae(string path) => new VaeFile(path, _ => folder.Component("vae").Config);

    /// <inheritdoc/>
    public override TokenizerFiles Tokenizer(string component) => new(folder.Component(component).Path);
}
