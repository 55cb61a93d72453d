namespace PeaEngine.Perf.Ops;

sealed class Conv2d(int size, int inChannels, int outChannels, int kernel = 3) : IBenchmark
{
    public string Op => "conv2d";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("ins", inChannels), ("outs", outChannels), ("kernel", kernel)];

    // Those of the definition, however they are saved.
    public double Flops => 2.0 * size * size * inChannels * outChannels * kernel * kernel;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, size, size, inChannels]), w = room.New([outChannels, kernel, kernel, inChannels], 0.02f);
        Tensor b = room.New([outChannels]), y = room.Empty([1, size, size, outChannels]);
        return () => room.Backend.Conv2d(x, w, b, y, new(Padding: kernel / 2));
    }
}
