using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>What a conversion is asked for.</summary>
public sealed record ConversionOptions
{
    /// <summary>F32, F16 or BF16, which floating tensors are rounded to; null leaves them as they are.</summary>
    public DType? DType { get; init; }

    /// <summary>The folder with the configurations and tokenizers of a single file that becomes a folder, where that is of no known architecture; or null.</summary>
    public string? Config { get; init; }
}

/// <summary>A file of weights that a conversion wrote.</summary>
/// <param name="Path">The file.</param>
/// <param name="Tensors">The number of tensors.</param>
/// <param name="Bytes">The size of all tensors.</param>
public sealed record ConvertedWeights(string Path, int Tensors, long Bytes);

/// <summary>
/// Writes checkpoints anew as safetensors, or as a file of torch's, a piece of a tensor at a time. What a torch file shares between several names is written under
/// each of them.
/// </summary>
public sealed class CheckpointConversion
{
    const string Ending = ".safetensors", TorchEnding = ".bin";

    /// <summary>Endings of torch's files that are read, not written.</summary>
    static readonly string[] OtherTorchEndings = [".pt", ".pth", ".ckpt"];

    /// <summary>Endings of files that hold weights, which are converted or, in other frameworks' formats, left out.</summary>
    static readonly string[] WeightEndings = [Ending, TorchEnding, .. OtherTorchEndings, ".msgpack", ".h5", ".onnx", ".onnx_data", ".gguf"];

    readonly ConversionOptions options;
    readonly CancellationToken cancellation;
    readonly List<ConvertedWeights> written = [];

    CheckpointConversion(ConversionOptions options, CancellationToken cancellation) => (this.options, this.cancellation) = (options, cancellation);

    /// <summary>
    /// Converts a file of tensors to a <c>.safetensors</c> or <c>.bin</c> file, or the folder of a pipeline or a component to another with safetensors in
    /// place of other weights; a pipeline in one file in the original key naming to a folder, and a pipeline's folder to such a file. The result
    /// appears whole or not at all.
    /// </summary>
    /// <param name="from">A file that <see cref="TensorFile"/> opens, or a folder.</param>
    /// <param name="to">A name that ends in <c>.safetensors</c> or <c>.bin</c>, or the name of a folder that is not there or empty.</param>
    /// <param name="options">What the result should be.</param>
    /// <param name="cancellation">Ends the work; nothing is left behind.</param>
    /// <returns>The files of weights.</returns>
    /// <exception cref="OptionException">The two names do not go together.</exception>
    /// <exception cref="PeaException">What is converted cannot be read, or the result cannot be written.</exception>
    public static IReadOnlyList<ConvertedWeights> Run(string from, string to, ConversionOptions options, CancellationToken cancellation = default)
    {
        var conversion = new CheckpointConversion(options, cancellation);
        if (HasEnding(to, OtherTorchEndings)) throw new OptionException($"to: {Quoted.Of(to)}, expected a name that ends in {Ending} or {TorchEnding}, or a folder");
        if (HasEnding(to, [Ending, TorchEnding])) conversion.ToFile(from, to);
        else conversion.ToFolder(from, to);
        return conversion.written;
    }

    void ToFile(string from, string to)
    {
        CheckConfigIsNeeded(false);
        AtomicFile.Check(to);
        using var source = Directory.Exists(from) ? OpenFolder(DiffusersFolder.Open(from)) : TensorFile.Open(from);
        Write(source, to, to);
    }

    static ITensorSource OpenFolder(DiffusersFolder folder) => folder.IsPipeline ? OriginalTensors.Open(folder) : folder.OpenWeights();

    void ToFolder(string from, string to)
    {
        AtomicFolder.Check(to);
        CheckConfigIsNeeded(File.Exists(from));
        if (File.Exists(from))
        {
            var file = SingleFile.Read(from, options.Config);
            AtomicFolder.Write(to, temporary => SplitFile(file, temporary, to));
            return;
        }
        var folder = DiffusersFolder.Open(from);
        AtomicFolder.Write(to, temporary => ConvertFolder(folder, temporary, to));
    }

    void CheckConfigIsNeeded(bool needed)
    {
        if (options.Config is { } config && !needed) throw new OptionException($"config: {Quoted.Of(config)}, but only a single file that becomes a folder needs configurations");
    }

    /// <summary>A folder of each model of a single file, with its configuration, and of what else its pipeline has.</summary>
    void SplitFile(SingleFile file, string target, string shown)
    {
        if (file.Configs is { } configs)
        {
            CopyOthers(configs, target);
            foreach (var name in configs.Components.Keys)
                if (file.Has(name)) CopyOthers(configs.Component(name), Path.Combine(target, name));
                else ConvertFolder(configs.Component(name), Path.Combine(target, name), Path.Combine(shown, name));
        }
        else file.WriteConfigs(target);
        foreach (var part in file.Layout.Parts.Where(part => file.Has(part.Component)))
        {
            using var source = file.Model(part.Component).OpenWeights();
            var weights = Path.Combine(part.Component, (part.Tokenizer == null ? DiffusersFolder.DiffusersStem : DiffusersFolder.TransformersStem) + Ending);
            Write(source, Path.Combine(target, weights), Path.Combine(shown, weights));
        }
    }

    /// <summary>A component's files, or those of a pipeline and of its components.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="target">Where it is written.</param>
    /// <param name="shown">Where it will be.</param>
    void ConvertFolder(DiffusersFolder folder, string target, string shown)
    {
        CopyOthers(folder, target);
        if (folder.IsPipeline)
        {
            foreach (var name in folder.Components.Keys) ConvertFolder(folder.Component(name), Path.Combine(target, name), Path.Combine(shown, name));
            return;
        }
        if (folder.FindWeights() is not { } weights) return;
        using var source = TensorFile.Open(weights);
        var stem = Path.GetFileName(weights).StartsWith(DiffusersFolder.DiffusersStem, StringComparison.Ordinal) ? DiffusersFolder.DiffusersStem : DiffusersFolder.TransformersStem;
        Write(source, Path.Combine(target, stem + Ending), Path.Combine(shown, stem + Ending));
    }

    /// <summary>Copies a folder's files that are no weights.</summary>
    static void CopyOthers(DiffusersFolder folder, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.EnumerateFiles(folder.Path).Order(StringComparer.Ordinal))
            if (!IsWeights(Path.GetFileName(file))) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
    }

    void Write(ITensorSource source, string path, string shown)
    {
        List<TensorContent> tensors = [.. source.Tensors.Keys.Select(name => Cancellable(TensorContent.FromSource(source, name, options.DType)))];
        // What the file says of itself goes along; transformers refuses a safetensors file that does not say that it is torch's.
        if (HasEnding(path, [TorchEnding])) TorchWriter.Write(path, tensors, source.Metadata);
        else SafetensorsWriter.Write(path, tensors, new Dictionary<string, string>(source.Metadata) { ["format"] = source.Metadata.GetValueOrDefault("format", "pt") });
        written.Add(new(shown, tensors.Count, tensors.Sum(tensor => tensor.Info.Bytes)));
    }

    TensorContent Cancellable(TensorContent tensor) => tensor with
    {
        Read = (offset, destination) =>
        {
            cancellation.ThrowIfCancellationRequested();
            tensor.Read(offset, destination);
        },
    };

    static bool IsWeights(string name) => HasEnding(name, WeightEndings) || (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && name.Contains(".index.", StringComparison.Ordinal));

    static bool HasEnding(string name, string[] endings) => endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
