namespace PeaEngine.Perf.Ops;

sealed class GateBackward(int rows, int features) : IBenchmark
{
    public string Op => "gate_backward";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("features", features)];

    public double Flops => 0;

    public double Bytes => 5.0 * sizeof(float) * rows * features;

    public Action Set(Room room)
    {
        Tensor h = room.New([rows, 2 * features], 4), dy = room.New([rows, features]), dh = room.Empty(h.Shape);
        return () => room.Backend.GateBackward(h, dy, dh, Activation.Gelu);
    }
}
