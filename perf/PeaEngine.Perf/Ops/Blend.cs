namespace PeaEngine.Perf.Ops;

sealed class Blend(int count) : IBenchmark
{
    public string Op => "blend";

    public IReadOnlyList<(string, int)> Arguments => [("count", count)];

    public double Flops => 0;

    public double Bytes => 4.0 * sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor a = room.New([count]), b = room.New([count]), mask = room.New([count]), y = room.Empty([count]);
        return () => room.Backend.Blend(a, b, mask, y);
    }
}
