namespace PeaEngine.Perf.Ops;

sealed class ActivateBackward(int count, Activation activation) : IBenchmark
{
    public string Op => "activate_backward";

    public IReadOnlyList<(string, int)> Arguments => [("count", count), ("activation", (int)activation)];

    public double Flops => 0;

    public double Bytes => 3.0 * sizeof(float) * count;

    public Action Set(Room room)
    {
        Tensor x = room.New([count], 4), dy = room.New([count]), dx = room.Empty(x.Shape);
        return () => room.Backend.ActivateBackward(x, dy, dx, activation);
    }
}
