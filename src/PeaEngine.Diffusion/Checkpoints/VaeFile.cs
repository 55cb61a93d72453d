using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>A VAE in a file of its own: in the original key naming, with or without what a whole checkpoint puts before it, or in diffusers'.</summary>
sealed class VaeFile : IModelFiles
{
    /// <summary>The VAE where it is all of the file; null where the file has diffusers' names.</summary>
    readonly OriginalModel? original;

    /// <summary>Opens the file and looks at its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The configuration, for the shapes of the tensors under diffusers' names.</param>
    /// <exception cref="PeaException">It is damaged, or no VAE.</exception>
    public VaeFile(string path, Func<TensorShapes, JsonConfig> config)
    {
        Path = path;
        using var source = TensorFile.Open(path);
        var modules = new KeyModules(source.Tensors.Keys);
        if (modules.Has("decoder.up_blocks"))
        {
            Config = config(new(path, source.Tensors));
            return;
        }
        original = new(modules.Has("first_stage_model.decoder") ? OriginalLayout.Vae : OriginalLayout.Vae with { Prefix = "" }, source);
        if (!original.Mapped.ContainsKey("decoder.conv_in.weight"))
            throw new PeaException($"{path}: no VAE, expected one in the original key naming (decoder.up.0.block.0.conv1.weight) or in diffusers' (decoder.up_blocks.0.resnets.0.conv1.weight)");
        Config = config(original.Shapes);
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public JsonConfig Config { get; }

    /// <inheritdoc/>
    public ITensorSource OpenWeights() => original == null ? TensorFile.Open(Path) : new MappedTensors(TensorFile.Open(Path), original.Mapped);
}
