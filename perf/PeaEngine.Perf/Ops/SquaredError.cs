namespace PeaEngine.Perf.Ops;

sealed class SquaredError(int batch, int size, int channels) : IBenchmark
{
    public string Op => "squared_error";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * batch * size * size * channels;

    public Action Set(Room room)
    {
        Tensor a = room.New([batch, size, size, channels]), b = room.New(a.Shape), y = room.Empty([batch]);
        return () => room.Backend.SquaredError(a, b, y);
    }
}
