namespace PeaEngine.Perf.Ops;

sealed class RmsNorm(int rows, int channels) : IBenchmark
{
    public string Op => "rms_norm";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * rows * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, channels]), gamma = room.New([channels]), y = room.Empty(x.Shape);
        return () => room.Backend.RmsNorm(x, gamma, y, 1e-6f);
    }
}
