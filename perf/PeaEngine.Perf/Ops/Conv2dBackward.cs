namespace PeaEngine.Perf.Ops;

sealed class Conv2dBackward(int size, int inChannels, int outChannels, int stride = 1) : IBenchmark
{
    public string Op => "conv2d_backward";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("ins", inChannels), ("outs", outChannels), ("stride", stride)];

    public double Flops => 2.0 * size * size / (stride * stride) * inChannels * outChannels * 9;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor dy = room.New([1, size / stride, size / stride, outChannels]), w = room.New([outChannels, 3, 3, inChannels], 0.02f), dx = room.Empty([1, size, size, inChannels]);
        return () => room.Backend.Conv2dBackward(dy, w, dx, new(stride, Padding: 1));
    }
}
