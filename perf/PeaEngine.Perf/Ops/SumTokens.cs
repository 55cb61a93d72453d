namespace PeaEngine.Perf.Ops;

sealed class SumTokens(int tokens, int channels) : IBenchmark
{
    public string Op => "sum_tokens";

    public IReadOnlyList<(string, int)> Arguments => [("tokens", tokens), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => (double)sizeof(float) * tokens * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, tokens, channels], 1e-3f), y = room.Empty([1, channels]);
        return () => room.Backend.SumTokens(x, y);
    }
}
