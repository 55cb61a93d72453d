namespace PeaEngine.Perf;

/// <summary>The backend of a benchmark and what the benchmark needs on it; disposing frees the latter.</summary>
sealed class Room(Backend backend, int threads) : IDisposable
{
    readonly List<IDisposable> owned = [];
    readonly Random random = new(1);

    public Backend Backend { get; } = backend;

    /// <summary>The threads that the backend, or a process that is measured, may use.</summary>
    public int Threads { get; } = threads;

    /// <summary>A tensor of values from −1 to 1, times <paramref name="scale"/>.</summary>
    public Tensor New(Shape shape, float scale = 1, DType dtype = DType.F32)
    {
        var tensor = Empty(shape, dtype);
        if (!Backend.KeepsContents) return tensor;
        var values = new float[shape.Elements];
        foreach (ref var value in values.AsSpan()) value = (random.NextSingle() * 2 - 1) * scale;
        Backend.Upload(values, tensor);
        return tensor;
    }

    /// <summary>A tensor to write to. Its pages are there already.</summary>
    public Tensor Empty(Shape shape, DType dtype = DType.F32)
    {
        var storage = Own(Backend.Allocate(shape.Elements * dtype.SizeInBytes()));
        var tensor = new Tensor(storage, 0, shape, dtype);
        if (!Backend.KeepsContents) return tensor;
        Span<byte> zeros = stackalloc byte[4096];
        zeros.Clear();
        for (long at = 0; at < tensor.Bytes; at += zeros.Length)
            Backend.Upload(zeros[..(int)Math.Min(zeros.Length, tensor.Bytes - at)], tensor, at);
        return tensor;
    }

    /// <summary>Disposes something with the room.</summary>
    public T Own<T>(T thing) where T : IDisposable
    {
        owned.Add(thing);
        return thing;
    }

    public void Dispose()
    {
        for (var i = owned.Count - 1; i >= 0; i--) owned[i].Dispose();
    }
}
