namespace PeaEngine.Diffusion.Schedulers;

/// <summary>Tensors that a scheduler keeps from step to step, each of the samples' shape: the latest few, oldest overwritten first.</summary>
sealed class TensorRing(int capacity) : IDisposable
{
    Backend? owner;
    Storage? storage;
    Shape shape;
    int newest;

    /// <summary>How many are held.</summary>
    public int Count { get; private set; }

    /// <summary>The tensor of <paramref name="age"/> pushes ago, 0 for the latest.</summary>
    public Tensor this[int age]
    {
        get
        {
            if ((uint)age >= (uint)Count) throw new PeaException($"scheduler: the output of {age} steps ago was asked for, {Count} are held");
            return At((newest - age + capacity) % capacity);
        }
    }

    /// <summary>Makes room for a new latest tensor; the caller fills it.</summary>
    public Tensor Push(Backend backend, Shape of)
    {
        if (storage == null || owner != backend || shape != of)
        {
            storage?.Dispose();
            (owner, shape, Count) = (backend, of, 0);
            storage = backend.Allocate(capacity * Stride);
        }
        newest = (newest + 1) % capacity;
        Count = Math.Min(Count + 1, capacity);
        return At(newest);
    }

    /// <summary>Forgets all; the memory stays.</summary>
    public void Clear() => Count = 0;

    public void Dispose() => storage?.Dispose();

    long Stride => Arena.Align(shape.Elements * sizeof(float));

    Tensor At(int slot) => new(storage!, slot * Stride, shape, DType.F32);
}
