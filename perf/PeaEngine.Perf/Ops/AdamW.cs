namespace PeaEngine.Perf.Ops;

sealed class AdamW(int count) : IBenchmark
{
    public string Op => "adam_w";

    public IReadOnlyList<(string, int)> Arguments => [("count", count)];

    public double Flops => 0;

    public double Bytes => 7.0 * sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor parameter = room.New([count]), gradient = room.New([count]), m = room.Empty([count]), v = room.Empty([count]);
        return () => room.Backend.AdamW(parameter, gradient, m, v, new(1e-4, 0.9, 0.999, 1e-8, 0.01, 0.1, 0.001));
    }
}
