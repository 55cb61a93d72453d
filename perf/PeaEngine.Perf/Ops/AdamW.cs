namespace PeaEngine.Perf.Ops;

sealed class AdamW(int count) : IBenchmark
{
    public string Op => "adam_w";

    public IReadOnlyList<(string, int)> Arguments => [("count", count)];

    public double Flops => 0;

    public double Bytes => 7.0 * sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor parameter = room.New([count]), gradient = room.New([count]), m = room.Empty([count]), v = room.Empty([count]), step = room.Empty([5]);
        room.Backend.Upload([1, 1 - 1e-6f, 31.6f, 1e-3f, 1], step);
        return () => room.Backend.AdamW(parameter, gradient, m, v, null, step, new(0.9, 0.999, 1e-8));
    }
}
