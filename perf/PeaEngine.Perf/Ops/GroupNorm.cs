namespace PeaEngine.Perf.Ops;

/// <summary>With SiLU, as in every resnet.</summary>
sealed class GroupNorm(int size, int channels) : IBenchmark
{
    public string Op => "group_norm";

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("channels", channels)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * size * size * channels;

    public Action Set(Room room)
    {
        Tensor x = room.New([1, size, size, channels]), gamma = room.New([channels]), beta = room.New([channels]), y = room.Empty(x.Shape);
        return () => room.Backend.GroupNorm(x, gamma, beta, y, 32, 1e-5f, silu: true);
    }
}
