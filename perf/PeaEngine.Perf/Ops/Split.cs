namespace PeaEngine.Perf.Ops;

sealed class Split(int rows, int first, int second) : IBenchmark
{
    public string Op => "split";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("first", first), ("second", second)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * rows * (first + second);

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, first + second]), a = room.Empty([rows, first]), b = room.Empty([rows, second]);
        return () => room.Backend.Split(x, a, b);
    }
}
