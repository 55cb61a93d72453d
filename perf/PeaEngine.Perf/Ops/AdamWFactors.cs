namespace PeaEngine.Perf.Ops;

sealed class AdamWFactors(int count) : IBenchmark
{
    public string Op => "adam_w_factors";

    public IReadOnlyList<(string, int)> Arguments => [("count", count)];

    public double Flops => count;

    public double Bytes => (double)sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor squares = room.New([count]), losses = room.Empty([3], DType.F64), rates = room.Empty([5], DType.F64), norm = room.Empty([2], DType.F64), step = room.Empty([5]);
        return () => room.Backend.AdamWFactors(squares, losses, rates, norm, step);
    }
}
