namespace PeaEngine.Perf.Ops;

sealed class Copy(int count, DType from, DType to) : IBenchmark
{
    public string Op => "copy";

    public IReadOnlyList<(string, int)> Arguments => [("count", count), ("from_bits", 8 * from.SizeInBytes()), ("to_bits", 8 * to.SizeInBytes())];

    public double Flops => 0;

    public double Bytes => (double)count * (from.SizeInBytes() + to.SizeInBytes());

    public Action Set(Room room)
    {
        Tensor x = room.New([count], dtype: from), y = room.Empty([count], to);
        return () => room.Backend.Copy(x, y);
    }
}
