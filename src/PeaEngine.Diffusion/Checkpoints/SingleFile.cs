using System.Text;
using System.Text.Json.Nodes;
using PeaEngine.Diffusion.Tokenizers;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>
/// A pipeline in one file in the original key naming. Its header is read once; a component's weights are the file's own, under other
/// names. Configurations are those of a folder beside it, or follow from shapes and a known architecture.
/// </summary>
sealed class SingleFile : PipelineFiles
{
    readonly string path;
    readonly Dictionary<string, SingleFileModel> models = [];

    SingleFile(Func<ITensorSource> open, string? config)
    {
        using var source = open();
        path = source.Path;
        Layout = OriginalLayout.Of([.. source.Tensors.Keys]) ?? throw new PeaException(
            $"{path}: not a pipeline in one file, expected a UNet and text encoders in the original key naming, such as model.diffusion_model.input_blocks.0.0.weight");
        OriginalModel[] parts = [.. Layout.Parts.Select(part => new OriginalModel(part, source))];
        CheckKeys(source, parts);
        if (config != null)
        {
            Configs = DiffusersFolder.Open(config);
            (Index, Scheduler) = (Configs.Config, Configs.Component("scheduler").Config);
        }
        else
        {
            Architecture = KnownArchitecture.Of(path, Layout, parts.Single(model => model.Part.Naming == OriginalNaming.UNet).Shapes);
            Index = Parse(Architecture.Index(), "model_index");
            Scheduler = Parse(Architecture.SchedulerConfig(source.Tensors.ContainsKey), "scheduler");
        }
        foreach (var model in parts.Where(model => model.Mapped.Count > 0))
        {
            var name = model.Part.Component;
            models.Add(name, new(path, Configs?.Component(name).Config ?? Parse(model.Config(Architecture!), name), () => new MappedTensors(open(), model.Mapped)));
        }
    }

    /// <summary>Where the components are in the file.</summary>
    public OriginalLayout Layout { get; }

    /// <summary>What the file was recognised as; null where a folder says what it is.</summary>
    public KnownArchitecture? Architecture { get; }

    /// <summary>The folder that says what the file is; null where it was recognised.</summary>
    public DiffusersFolder? Configs { get; }

    /// <inheritdoc/>
    public override JsonConfig Index { get; }

    /// <inheritdoc/>
    public override JsonConfig Scheduler { get; }

    /// <summary>Reads a file's header and recognises it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="config">The folder of its configurations and tokenizers, or null.</param>
    /// <exception cref="PeaException">It is damaged, no pipeline in the original naming, or has a key that no such pipeline has.</exception>
    public static SingleFile Read(string path, string? config) => Read(() => TensorFile.Open(path), config);

    /// <summary>As the other, whatever the tensors come from.</summary>
    /// <param name="open">Opens them; asked once for the header, and once for each component's weights.</param>
    /// <param name="config">The folder of its configurations and tokenizers, or null.</param>
    public static SingleFile Read(Func<ITensorSource> open, string? config) => new(open, config);

    /// <inheritdoc/>
    public override bool Has(string component) => models.ContainsKey(component);

    /// <inheritdoc/>
    public override IModelFiles Model(string component) => models.TryGetValue(component, out var model)
        ? model
        : throw new PeaException($"{path}: no {component} in the file, only {string.Join(", ", models.Keys)}");

    /// <inheritdoc/>
    public override IModelFiles Vae(string path) =>
        new VaeFile(path, shapes => Configs?.Component("vae").Config ?? Parse(ShapeConfigs.Vae(shapes, Architecture!), "vae"));

    /// <inheritdoc/>
    public override TokenizerFiles Tokenizer(string component)
    {
        if (Configs != null) return new(Configs.Component(component).Path);
        return new(null, KnownArchitecture.PadToken(Layout.Parts.Single(part => part.Tokenizer == component)));
    }

    /// <summary>Writes a recognised pipeline's folder without its weights: index, configurations and tokenizers.</summary>
    /// <param name="folder">A folder that is there.</param>
    /// <exception cref="PeaException">A file cannot be written.</exception>
    public void WriteConfigs(string folder)
    {
        Index.Save(Path.Combine(folder, "model_index.json"));
        Scheduler.Save(Path.Combine(Make("scheduler"), "scheduler_config.json"));
        foreach (var (name, model) in models) model.Config.Save(Path.Combine(Make(name), "config.json"));
        foreach (var part in Layout.Parts)
            if (part.Tokenizer is { } tokenizer) ClipVocabulary.Write(Make(tokenizer), KnownArchitecture.PadToken(part));

        string Make(string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
    }

    /// <summary>Every key must be some model's, or one that the reference too does without.</summary>
    void CheckKeys(ITensorSource source, OriginalModel[] parts)
    {
        foreach (var (key, info) in source.Tensors)
            if (!parts.Any(model => model.Knows(key)) && !OriginalLayout.IsUnneeded(key))
                throw new PeaException($"{path}: tensor {Quoted.Of(key)} {info} is in no model of {Layout.Name}");
    }

    JsonConfig Parse(JsonObject json, string what) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()), $"{path} ({what})");
}

/// <summary>A model in a single file.</summary>
/// <param name="path">The file.</param>
/// <param name="config">What the model is made of.</param>
/// <param name="open">Opens its weights.</param>
sealed class SingleFileModel(string path, JsonConfig config, Func<ITensorSource> open) : IModelFiles
{
    /// <inheritdoc/>
    public string Path => path;

    /// <inheritdoc/>
    public JsonConfig Config => config;

    /// <inheritdoc/>
    public ITensorSource OpenWeights() => open();
}
