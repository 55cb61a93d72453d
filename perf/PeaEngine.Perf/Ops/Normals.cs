namespace PeaEngine.Perf.Ops;

sealed class Normals(int count) : IBenchmark
{
    public string Op => "normals";

    public IReadOnlyList<(string, int)> Arguments => [("count", count)];

    public double Flops => 0;

    public double Bytes => (double)sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor positions = room.Empty([1], DType.U64), y = room.Empty([1, count]);
        return () => room.Backend.Normals(1, 1, positions, y);
    }
}
