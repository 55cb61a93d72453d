namespace PeaEngine.Perf.Ops;

sealed class SquaredErrorBackward(int batch, int size, int channels) : IBenchmark
{
    public string Op => "squared_error_backward";

    public IReadOnlyList<(string, int)> Arguments => [("batch", batch), ("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * batch * size * size * channels;

    public Action Set(Room room)
    {
        Tensor a = room.New([batch, size, size, channels]), b = room.New(a.Shape), scale = room.New([batch]), dx = room.Empty(a.Shape);
        return () => room.Backend.SquaredErrorBackward(a, b, scale, dx, add: false);
    }
}
