namespace PeaEngine.Perf.Ops;

sealed class SumSquares(int count) : IBenchmark
{
    public string Op => "sum_squares";

    public IReadOnlyList<(string, int)> Arguments => [("count", count)];

    public double Flops => 2.0 * count;

    public double Bytes => (double)sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor x = room.New([count]), y = room.Empty([1]);
        return () => room.Backend.SumSquares(x, y);
    }
}
