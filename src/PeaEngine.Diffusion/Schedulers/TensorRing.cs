namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// Tensors that a scheduler keeps from step to step, each of the samples' shape: the latest few, oldest overwritten first. Each age has its place, into which tensors are copied as they grow older: so all steps have the
/// same addresses.
/// </summary>
sealed class TensorRing(int capacity) : IDisposable
{
    Backend? owner;
    Storage? storage;
    Shape shape;

    /// <summary>How many are held.</summary>
    public int Count { get; private set; }

    /// <summary>The tensor of <paramref name="age"/> pushes ago, 0 for the latest.</summary>
    public Tensor this[int age]
    {
        get
        {
            if ((uint)age >= (uint)Count) throw new PeaException($"scheduler: the output of {age} steps ago was asked for, {Count} are held");
            return At(age);
        }
    }

    /// <summary>Makes room for a new latest tensor; the caller fills it.</summary>
    public Tensor Push(StepOps ops, Shape of)
    {
        if (storage == null || owner != ops.Backend || shape != of)
        {
            storage?.Dispose();
            (owner, shape, Count) = (ops.Backend, of, 0);
            storage = ops.Backend.Allocate(capacity * Stride);
        }
        for (var age = Math.Min(Count, capacity - 1); age > 0; age--) ops.Copy(At(age - 1), At(age));
        Count = Math.Min(Count + 1, capacity);
        return At(0);
    }

    /// <summary>Forgets all; the memory stays.</summary>
    public void Clear() => Count = 0;

    public void Dispose() => storage?.Dispose();

    long Stride => Arena.Align(shape.Elements * sizeof(float));

    Tensor At(int slot) => new(storage!, slot * Stride, shape, DType.F32);
}
