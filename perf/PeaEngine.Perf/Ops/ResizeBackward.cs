namespace PeaEngine.Perf.Ops;

sealed class ResizeBackward(int size, int channels) : IBenchmark
{
    public string Op => "resize_backward";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 5.0 * sizeof(float) * size * size * channels;

    public Action Set(Room room)
    {
        Tensor dy = room.New([1, 2 * size, 2 * size, channels]), dx = room.Empty([1, size, size, channels]);
        return () => room.Backend.ResizeBackward(dy, dx);
    }
}
