namespace PeaEngine.Perf.Ops;

sealed class Conv2dWeightBackward(int size, int inChannels, int outChannels) : IBenchmark
{
    public string Op => "conv2d_weight_backward";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("ins", inChannels), ("outs", outChannels)];

    public double Flops => 2.0 * size * size * inChannels * outChannels * 9;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, size, size, inChannels]), dy = room.New([1, size, size, outChannels], 1e-3f), dw = room.Empty([outChannels, 3, 3, inChannels]);
        return () => room.Backend.Conv2dWeightBackward(x, dy, dw, new(Padding: 1));
    }
}
