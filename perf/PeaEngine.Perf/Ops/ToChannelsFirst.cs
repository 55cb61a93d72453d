namespace PeaEngine.Perf.Ops;

sealed class ToChannelsFirst(int size, int channels) : IBenchmark
{
    public string Op => "to_channels_first";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * size * size * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, size, size, channels]), y = room.Empty([1, channels, size, size]);
        return () => room.Backend.ToChannelsFirst(x, y);
    }
}
