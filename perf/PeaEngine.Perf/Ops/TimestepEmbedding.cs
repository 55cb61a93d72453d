namespace PeaEngine.Perf.Ops;

sealed class TimestepEmbedding(int batch, int channels) : IBenchmark
{
    public string Op => "timestep_embedding";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => (double)sizeof(float) * batch * channels;

    public Action Set(Room room)
    {
        Tensor values = room.New([batch], 999), y = room.Empty([batch, channels]);
        return () => room.Backend.TimestepEmbedding(values, y, flipSinToCos: true, 0);
    }
}
