namespace PeaEngine.Perf.Ops;

sealed class SumErrors(int rows, int count) : IBenchmark
{
    public string Op => "sum_errors";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("count", count)];

    public double Flops => 2.0 * rows * count;

    public double Bytes => (double)sizeof(float) * rows * count;

    public Action Set(Room room)
    {
        Tensor errors = room.New([rows, count]), samples = room.Empty([count], DType.F64), terms = room.Empty([rows], DType.F64), sums = room.Empty([3], DType.F64);
        return () => room.Backend.SumErrors(errors, samples, terms, sums);
    }
}
