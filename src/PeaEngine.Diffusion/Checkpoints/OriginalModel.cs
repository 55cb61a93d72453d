using System.Text.Json.Nodes;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>One model of an original file: its tensors under diffusers' names.</summary>
sealed class OriginalModel
{
    readonly HashSet<string> taken = [];
    readonly KeyModules modules;

    /// <summary>Takes the tensors whose keys begin with the part's prefix and go on as its map knows.</summary>
    /// <exception cref="PeaException">A tensor's shape is not what its name stands for, or two tensors stand for the same.</exception>
    public OriginalModel(OriginalPart part, ITensorSource source)
    {
        Part = part;
        modules = part.Modules(source.Tensors.Keys);
        var map = part.Map(modules);
        var mapped = new Dictionary<string, MappedTensor>();
        foreach (var (key, info) in source.Tensors)
        {
            if (!key.StartsWith(part.Prefix, StringComparison.Ordinal) || part.IsUnneeded(key[part.Prefix.Length..])) continue;
            foreach (var pair in map.FindOriginal(key[part.Prefix.Length..]))
            {
                if (!mapped.TryAdd(pair.Diffusers, MappedTensor.ToDiffusers(info, pair)))
                    throw new PeaException($"{source.Path}: tensors {Quoted.Of(mapped[pair.Diffusers].Slices[0].Key)} and {Quoted.Of(key)} are both {pair.Diffusers}");
                taken.Add(key);
            }
        }
        Mapped = mapped;
        Shapes = new(source.Path, mapped.ToDictionary(pair => pair.Key, pair => pair.Value.Info));
    }

    /// <summary>What and where it is.</summary>
    public OriginalPart Part { get; }

    /// <summary>Its tensors by diffusers' key.</summary>
    public IReadOnlyDictionary<string, MappedTensor> Mapped { get; }

    /// <summary>Their shapes.</summary>
    public TensorShapes Shapes { get; }

    /// <summary>Whether a key of the file is one of this model's, needed or not.</summary>
    public bool Knows(string key) => taken.Contains(key) || (key.StartsWith(Part.Prefix, StringComparison.Ordinal) && Part.IsUnneeded(key[Part.Prefix.Length..]));

    /// <summary>The model's config.json.</summary>
    /// <exception cref="PeaException">A tensor from which it is told is missing.</exception>
    public JsonObject Config(KnownArchitecture known) => Part.Naming switch
    {
        OriginalNaming.UNet => ShapeConfigs.UNet(Shapes, UNetLayout.Of(modules), known),
        OriginalNaming.Vae => ShapeConfigs.Vae(Shapes, known),
        _ => ShapeConfigs.TextEncoder(Shapes, Part.Naming),
    };
}
