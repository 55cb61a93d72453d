namespace PeaEngine.Perf.Ops;

sealed class Activate(int count, Activation activation) : IBenchmark
{
    public string Op => "activate";

    public IReadOnlyList<(string, int)> Arguments => [("count", count), ("activation", (int)activation)];

    public double Flops => 0;

    public double Bytes => 2.0 * sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor x = room.New([count], 4), y = room.Empty(x.Shape);
        return () => room.Backend.Activate(x, y, activation);
    }
}
