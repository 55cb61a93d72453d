using System.Text.Json;

namespace PeaEngine.Formats;

/// <summary>A component as <c>model_index.json</c> lists it.</summary>
/// <param name="Library">The Python library, such as <c>diffusers</c> or <c>transformers</c>.</param>
/// <param name="ClassName">The class, such as <c>UNet2DConditionModel</c>.</param>
public sealed record DiffusersComponent(string Library, string ClassName);

/// <summary>
/// A folder that diffusers or transformers saved: a pipeline (<c>model_index.json</c> with a folder for each component) or one component
/// (its configuration, and its weights under one of their usual names).
/// </summary>
public sealed class DiffusersFolder : IModelFiles
{
    /// <summary>What the weights of diffusers' models are named, without their ending.</summary>
    public const string DiffusersStem = "diffusion_pytorch_model";

    /// <summary>What the weights of transformers' models are named, without their ending, in safetensors.</summary>
    public const string TransformersStem = "model";

    const string TorchStem = "pytorch_model", IndexName = "model_index.json";

    static readonly string[] ConfigNames = [IndexName, "config.json", "scheduler_config.json", "preprocessor_config.json", "tokenizer_config.json"];

    static readonly string[] WeightNames = [.. WeightNamesOf("safetensors", DiffusersStem, TransformersStem), .. WeightNamesOf("bin", DiffusersStem, TorchStem)];

    readonly Lazy<JsonConfig> config;
    readonly Lazy<IReadOnlyDictionary<string, DiffusersComponent>> components;

    DiffusersFolder(string path)
    {
        Path = path;
        IsPipeline = Has(IndexName);
        config = new(() => JsonConfig.Load(FindFile(ConfigNames) ?? throw Nothing("configuration", ConfigNames)));
        components = new(ReadComponents);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Whether this is a whole pipeline rather than one component.</summary>
    public bool IsPipeline { get; }

    /// <summary>A pipeline's <c>model_index.json</c>; a component's <c>config.json</c>, <c>scheduler_config.json</c> or the like.</summary>
    /// <exception cref="PeaException">There is none, or it is not a JSON object.</exception>
    public JsonConfig Config => config.Value;

    /// <summary>Whether there is a configuration.</summary>
    public bool HasConfig => FindFile(ConfigNames) != null;

    /// <summary>The class that saved the folder: diffusers' <c>_class_name</c>, else the first of transformers' <c>architectures</c>, else null.</summary>
    /// <exception cref="PeaException">As for <see cref="Config"/>.</exception>
    public string? ClassName => Config.OptionalString("_class_name") ?? Config.Strings("architectures", []).FirstOrDefault();

    /// <summary>The components that a pipeline has, by folder name; those listed as null are left out.</summary>
    /// <exception cref="PeaException">The folder is not a pipeline, or its index is not of the expected form.</exception>
    public IReadOnlyDictionary<string, DiffusersComponent> Components => components.Value;

    /// <summary>Opens a folder.</summary>
    /// <exception cref="PeaException">There is none.</exception>
    public static DiffusersFolder Open(string path)
    {
        if (File.Exists(path)) throw new PeaException($"{path}: a file, expected a model folder");
        if (!Directory.Exists(path)) throw new PeaException($"{path}: no such folder, expected a model folder");
        return new DiffusersFolder(path);
    }

    /// <summary>Opens the folder of a pipeline's component.</summary>
    /// <exception cref="PeaException">The pipeline does not list it, or its folder is missing.</exception>
    public DiffusersFolder Component(string name)
    {
        if (!Components.ContainsKey(name))
            throw new PeaException($"{Path}: {IndexName} has no component {Quoted.Of(name)}, only {string.Join(", ", Components.Keys)}");
        return Open(System.IO.Path.Combine(Path, name));
    }

    /// <summary>Whether the folder has a file of this name.</summary>
    public bool Has(string fileName) => File.Exists(System.IO.Path.Combine(Path, fileName));

    /// <summary>The path of the first of these files that is there, or null.</summary>
    public string? FindFile(params ReadOnlySpan<string> fileNames)
    {
        foreach (var name in fileNames)
            if (Has(name)) return System.IO.Path.Combine(Path, name);
        return null;
    }

    /// <summary>
    /// The path of the component's weights or of their index, or null: <c>diffusion_pytorch_model</c> or <c>model</c>, safetensors before
    /// torch's files (<c>pytorch_model.bin</c>), the plain ones before the <c>fp16</c> variant (whose index is spelled in two ways), whole before sharded.
    /// </summary>
    public string? FindWeights() => FindFile(WeightNames);

    /// <summary>Opens the component's weights, sharded or not; the caller disposes them.</summary>
    /// <exception cref="PeaException">There are none under the names of <see cref="FindWeights"/>, or they cannot be opened.</exception>
    public ITensorSource OpenWeights() => TensorFile.Open(FindWeights() ?? throw new PeaException(
        $"{Path}: no weights in this folder, expected {WeightNames[0]}, {WeightNames[1]} or {TorchStem}.bin, or the index of their shards, or their fp16 variants"));

    /// <summary>The names in one format: whole, in shards, and the fp16 variant of both.</summary>
    static string[] WeightNamesOf(string format, params string[] stems) =>
    [
        .. stems.Select(stem => $"{stem}.{format}"),
        .. stems.Select(stem => $"{stem}.{format}.index.json"),
        .. stems.Select(stem => $"{stem}.fp16.{format}"),
        .. stems.SelectMany(stem => new[] { $"{stem}.{format}.index.fp16.json", $"{stem}.fp16.{format}.index.json" }),
    ];

    SortedDictionary<string, DiffusersComponent> ReadComponents()
    {
        if (!IsPipeline) throw Nothing("pipeline", IndexName);
        var found = new SortedDictionary<string, DiffusersComponent>(StringComparer.Ordinal);
        foreach (var name in Config.Keys.Where(key => !key.StartsWith('_')))
        {
            // Settings stand beside the components; a component is a pair [library, class], or [null, null] where it is absent.
            if (!Config.IsList(name) || Config.Element(name)!.Value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Null)) continue;
            if (Config.Strings(name) is not [var library, var className]) throw Config.Wrong(name, "a library and a class");
            if (name.Contains('/') || name.Contains('\\') || name is "." or "..") throw new PeaException($"{Config.Path}: component {Quoted.Of(name)}, expected the name of a folder");
            found.Add(name, new DiffusersComponent(library, className));
        }
        return found;
    }

    PeaException Nothing(string what, params ReadOnlySpan<string> names) =>
        new($"{Path}: no {what} in this folder, expected {string.Join(" or ", names!)}");
}
