namespace PeaEngine;

/// <summary>
/// The gradients of the parameters that are trained: F32 tensors that backward passes add to. A parameter that is not tracked is frozen, and
/// nothing is computed for it.
/// </summary>
public sealed class Gradients(Backend backend) : IDisposable
{
    readonly Dictionary<(Storage Storage, long Offset), Tensor> gradients = [];
    readonly Dictionary<(Storage Storage, long Offset), LowRank> factors = [];
    readonly List<Storage> storages = [];

    /// <summary>Begins to collect a parameter's gradient: zeros of its shape, F32.</summary>
    /// <exception cref="PeaException">It is tracked already.</exception>
    public Tensor Track(Tensor parameter)
    {
        var storage = backend.Allocate(Arena.Align(parameter.Elements * sizeof(float)));
        storages.Add(storage);
        var gradient = new Tensor(storage, 0, parameter.Shape, DType.F32);
        if (!gradients.TryAdd(Key(parameter), gradient)) throw new PeaException($"gradients: {parameter} is tracked already");
        backend.Clear(gradient);
        return gradient;
    }

    /// <summary>Begins to collect the gradients of the factors of what was added to a matrix, in place of the matrix's own.</summary>
    /// <returns>Those of <see cref="LowRank.Down"/> and <see cref="LowRank.Up"/>.</returns>
    /// <exception cref="PeaException">One of them, or the matrix, is tracked already.</exception>
    public (Tensor Down, Tensor Up) Track(Tensor matrix, LowRank added)
    {
        if (Of(matrix) != null || !factors.TryAdd(Key(matrix), added)) throw new PeaException($"gradients: {matrix} is tracked already");
        return (Track(added.Down), Track(added.Up));
    }

    /// <summary>The factors of what was added to a matrix, whose gradients are collected; or null.</summary>
    public LowRank? FactorsOf(Tensor matrix) => factors.TryGetValue(Key(matrix), out var added) ? added : null;

    /// <summary>A parameter's gradient, or null where it is frozen.</summary>
    public Tensor? Of(Tensor parameter) => gradients.TryGetValue(Key(parameter), out var gradient) ? gradient : null;

    /// <summary>Sets all to zero.</summary>
    public void Clear()
    {
        foreach (var gradient in gradients.Values) backend.Clear(gradient);
    }

    /// <summary>Frees them.</summary>
    public void Dispose()
    {
        foreach (var storage in storages) storage.Dispose();
        gradients.Clear();
        factors.Clear();
    }

    static (Storage, long) Key(Tensor tensor) => (tensor.Storage, tensor.ByteOffset);
}
