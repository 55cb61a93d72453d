using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Checkpoints;

/// <summary>The shapes of one component's tensors under diffusers' names, from which its configuration is told.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="tensors">The tensors.</param>
sealed class TensorShapes(string path, IReadOnlyDictionary<string, TensorInfo> tensors)
{
    readonly KeyModules modules = new(tensors.Keys);

    /// <summary>Whether there is such a module or key.</summary>
    public bool Has(string module) => modules.Has(module);

    /// <summary>How many of <c>name(0)</c>, <c>name(1)</c>, … there are until one is missing.</summary>
    public int Count(Func<int, string> name) => modules.Count(name);

    /// <summary>The number of extents of a tensor that must be there.</summary>
    /// <exception cref="PeaException">It is not.</exception>
    public int Rank(string key) => Find(key).Shape.Count;

    /// <summary>An extent of a tensor that must be there.</summary>
    /// <exception cref="PeaException">It is not, or it has fewer extents, or more than an int.</exception>
    public int Extent(string key, int axis)
    {
        var info = Find(key);
        return axis < info.Shape.Count && info.Shape[axis] is > 0 and <= int.MaxValue and var extent
            ? (int)extent
            : throw new PeaException($"{path}: tensor {Quoted.Of(key)} is {info}, from which no extent {axis} can be told");
    }

    TensorInfo Find(string key) => tensors.GetValueOrDefault(key) ?? throw new PeaException($"{path}: no tensor '{key}', under whatever name the original has for it");
}
