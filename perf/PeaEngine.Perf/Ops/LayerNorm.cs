namespace PeaEngine.Perf.Ops;

sealed class LayerNorm(int rows, int channels) : IBenchmark
{
    public string Op => "layer_norm";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * rows * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, channels]), gamma = room.New([channels]), beta = room.New([channels]), y = room.Empty(x.Shape);
        return () => room.Backend.LayerNorm(x, gamma, beta, y, 1e-5f);
    }
}
