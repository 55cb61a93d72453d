namespace PeaEngine.Perf.Ops;

sealed class Attention(int queries, int keys, int heads, int depth) : IBenchmark
{
    public string Op => "attention";

    public IReadOnlyList<(string, int)> Arguments => [("queries", queries), ("keys", keys), ("heads", heads), ("depth", depth)];

    public double Flops => 4.0 * queries * keys * heads * depth;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        var c = heads * depth;
        Tensor q = room.New([1, queries, c]), k = room.New([1, keys, c]), v = room.New([1, keys, c]), y = room.Empty([1, queries, c]);
        return () => room.Backend.Attention(q, k, v, y, heads, 1 / MathF.Sqrt(depth));
    }
}
