namespace PeaEngine.Perf.Ops;

/// <summary>With the gradient of its parameter. PyTorch is given the statistics.</summary>
sealed class RmsNormBackward(int rows, int channels) : IBenchmark
{
    public string Op => "rms_norm_backward";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * rows * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, channels]), gamma = room.New([channels]), dy = room.New(x.Shape), dx = room.Empty(x.Shape), dGamma = room.Empty([channels]);
        return () => room.Backend.RmsNormBackward(x, gamma, dy, dx, 1e-6f, null, dGamma);
    }
}
