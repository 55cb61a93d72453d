namespace PeaEngine.Perf.Ops;

sealed class AttentionBackward(int batch, int queries, int keys, int heads, int depth) : IBenchmark
{
    public string Op => "attention_backward";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("queries", queries), ("keys", keys), ("heads", heads), ("depth", depth)];

    public double Flops => 10.0 * batch * queries * keys * heads * depth;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Shape tokens = [batch, queries, heads * depth], context = [batch, keys, heads * depth];
        Tensor q = room.New(tokens), k = room.New(context), v = room.New(context), dy = room.New(tokens);
        Tensor y = room.Empty(tokens), logSumExp = room.Empty([batch, heads, queries]), dq = room.Empty(tokens), dk = room.Empty(context), dv = room.Empty(context);
        var scale = 1 / MathF.Sqrt(depth);
        room.Backend.Attention(q, k, v, y, heads, scale, default, logSumExp);
        return () => room.Backend.AttentionBackward(q, k, v, y, logSumExp, dy, dq, dk, dv, heads, scale);
    }
}
