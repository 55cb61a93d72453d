namespace PeaEngine.Perf.Ops;

sealed class ToChannelsLast(int size, int channels) : IBenchmark
{
    public string Op => "to_channels_last";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * size * size * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, channels, size, size]), y = room.Empty([1, size, size, channels]);
        return () => room.Backend.ToChannelsLast(x, y);
    }
}
