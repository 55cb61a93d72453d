namespace PeaEngine.Perf.Ops;

sealed class EmbeddingBackward(int batch, int tokens, int channels) : IBenchmark
{
    const int Vocabulary = 49408;

    public string Op => "embedding_backward";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("tokens", tokens), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * batch * tokens * channels;

    public Action Set(Room room)
    {
        Tensor ids = room.Empty([batch, tokens], DType.I32), dy = room.New([batch, tokens, channels], 1e-3f), dTable = room.Empty([Vocabulary, channels]);
        var values = ids.AsSpan<int>();
        for (var i = 0; i < values.Length; i++) values[i] = (int)((long)i * 7919 % Vocabulary);
        return () => room.Backend.EmbeddingBackward(ids, dy, dTable);
    }
}
