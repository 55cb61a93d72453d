namespace PeaEngine.Perf.Ops;

sealed class MeanTokensBackward(int tokens, int channels) : IBenchmark
{
    public string Op => "mean_tokens_backward";

    public IReadOnlyList<(string, int)> Arguments => [("tokens", tokens), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => (double)sizeof(float) * tokens * channels;

    public Action Set(Room room)
    {
        Tensor dy = room.New([1, channels]), dx = room.Empty([1, tokens, channels]);
        return () => room.Backend.MeanTokensBackward(dy, null, dx, add: false);
    }
}
