namespace PeaEngine.Perf.Ops;

sealed class Concat(int rows, int first, int second) : IBenchmark
{
    public string Op => "concat";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("first", first), ("second", second)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * rows * (first + second);

    public Action Set(Room room)
    {
        Tensor a = room.New([rows, first]), b = room.New([rows, second]), y = room.Empty([rows, first + second]);
        return () => room.Backend.Concat(a, b, y);
    }
}
