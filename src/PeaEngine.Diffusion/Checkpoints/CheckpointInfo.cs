using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>How much of a checkpoint is stored in one element type.</summary>
/// <param name="DType">The type.</param>
/// <param name="Tensors">The number of tensors.</param>
/// <param name="Parameters">The number of elements.</param>
/// <param name="Bytes">The size.</param>
public sealed record DTypeCount(DType DType, int Tensors, long Parameters, long Bytes);

/// <summary>A component of a pipeline, or the part of a file that stands for one.</summary>
/// <param name="Name">The component's folder, or the beginning of its keys in a file; empty for the whole of it.</param>
/// <param name="Kind">What it is, as its keys or its class say, such as <c>SDXL UNet</c>.</param>
/// <param name="ClassName">The class in diffusers or transformers, where the folder names it.</param>
/// <param name="Weights">The file or index of the weights; null where there are none, as for a scheduler.</param>
/// <param name="DTypes">The weights by element type, the largest share first.</param>
public sealed record CheckpointPart(string Name, string Kind, string? ClassName, string? Weights, IReadOnlyList<DTypeCount> DTypes)
{
    /// <summary>The number of tensors.</summary>
    public int Tensors => DTypes.Sum(count => count.Tensors);

    /// <summary>The number of elements in all tensors.</summary>
    public long Parameters => DTypes.Sum(count => count.Parameters);

    /// <summary>The size of all tensors.</summary>
    public long Bytes => DTypes.Sum(count => count.Bytes);
}

/// <summary>What a pipeline folder, a component folder or a file of tensors holds; only headers and configurations are read.</summary>
/// <param name="Path">The folder or file.</param>
/// <param name="Kind">What it is, such as <c>pipeline</c>, <c>SDXL UNet</c> or <c>LoRA</c>.</param>
/// <param name="ClassName">The class in diffusers or transformers, where the folder names it.</param>
/// <param name="Parts">Its components: one for a component folder or a file of one model.</param>
/// <param name="Metadata">A file's own notes; empty for a folder.</param>
public sealed record CheckpointInfo(
    string Path, string Kind, string? ClassName, IReadOnlyList<CheckpointPart> Parts, IReadOnlyDictionary<string, string> Metadata)
{
    static readonly Dictionary<string, string> NoMetadata = [];

    /// <summary>The number of elements in all tensors.</summary>
    public long Parameters => Parts.Sum(part => part.Parameters);

    /// <summary>The size of all tensors.</summary>
    public long Bytes => Parts.Sum(part => part.Bytes);

    /// <summary>Describes a folder or a file of tensors.</summary>
    /// <exception cref="PeaException">There is none, or it is not what it seems: a broken configuration, index or weights file.</exception>
    public static CheckpointInfo Read(string path)
    {
        if (!Directory.Exists(path)) return ReadFile(path);
        var folder = DiffusersFolder.Open(path);
        if (folder.IsPipeline)
            return new CheckpointInfo(path, "pipeline", folder.ClassName, [.. folder.Components.Select(pair => ReadComponent(folder, pair.Key, pair.Value))], NoMetadata);
        var part = ReadFolder("", folder, folder.HasConfig ? folder.ClassName : null);
        if (part.Weights == null && part.ClassName == null)
            throw new PeaException($"{path}: neither weights nor a configuration in this folder, expected a pipeline or a component as diffusers or transformers save it");
        return new CheckpointInfo(path, part.Kind, part.ClassName, [part], NoMetadata);
    }

    static CheckpointInfo ReadFile(string path)
    {
        using var file = TensorFile.Open(path);
        var kind = CheckpointKind.Of(file.Tensors);
        var parts = CheckpointKind.Split(file.Tensors).Select(part => new CheckpointPart(part.Name, part.Kind, null, path, Count(part.Tensors)));
        return new CheckpointInfo(path, kind, null, [.. parts], file.Metadata);
    }

    static CheckpointPart ReadComponent(DiffusersFolder pipeline, string name, DiffusersComponent component) =>
        ReadFolder(name, pipeline.Component(name), component.ClassName);

    static CheckpointPart ReadFolder(string name, DiffusersFolder folder, string? className)
    {
        if (StudentFiles.FindWeights(folder) is not { } path) return new CheckpointPart(name, className ?? CheckpointKind.Unknown, className, null, []);
        using var weights = TensorFile.Open(path);
        return new CheckpointPart(name, CheckpointKind.Of(weights.Tensors), className, path, Count(weights.Tensors.Values));
    }

    static IReadOnlyList<DTypeCount> Count(IEnumerable<TensorInfo> tensors) =>
        [.. tensors.GroupBy(info => info.DType)
            .Select(group => new DTypeCount(group.Key, group.Count(), group.Sum(info => info.Elements), group.Sum(info => info.Bytes)))
            .OrderByDescending(count => count.Bytes).ThenBy(count => count.DType)];
}
