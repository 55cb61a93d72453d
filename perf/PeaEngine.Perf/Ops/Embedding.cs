namespace PeaEngine.Perf.Ops;

sealed class Embedding(int batch, int tokens, int channels) : IBenchmark
{
    const int Vocabulary = 49408;

    public string Op => "embedding";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("tokens", tokens), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * batch * tokens * channels;

    public Action Set(Room room)
    {
        Tensor ids = room.Empty([batch, tokens], DType.I32), table = room.New([Vocabulary, channels]), positions = room.New([tokens, channels]), y = room.Empty([batch, tokens, channels]);
        var values = ids.AsSpan<int>();
        for (var i = 0; i < values.Length; i++) values[i] = (int)((long)i * 7919 % Vocabulary);
        return () => room.Backend.Embedding(ids, table, positions, y);
    }
}
