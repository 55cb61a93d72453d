namespace PeaEngine.Perf.Ops;

/// <summary>With SiLU, of a frozen norm. PyTorch is given the statistics and what went into SiLU, which its forward pass keeps; ours keeps x alone.</summary>
sealed class GroupNormBackward(int size, int channels) : IBenchmark
{
    public string Op => "group_norm_backward";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 5.0 * sizeof(float) * size * size * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, size, size, channels]), gamma = room.New([channels]), beta = room.New([channels]), dy = room.New(x.Shape), dx = room.Empty(x.Shape);
        return () => room.Backend.GroupNormBackward(x, gamma, beta, dy, dx, 32, 1e-5f, silu: true);
    }
}
