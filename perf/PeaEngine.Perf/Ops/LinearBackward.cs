namespace PeaEngine.Perf.Ops;

sealed class LinearBackward(int rows, int inFeatures, int outFeatures) : IBenchmark
{
    public string Op => "linear_backward";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("ins", inFeatures), ("outs", outFeatures)];

    public double Flops => 2.0 * rows * inFeatures * outFeatures;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor dy = room.New([rows, outFeatures]), w = room.New([outFeatures, inFeatures], 0.05f), dx = room.Empty([rows, inFeatures]);
        return () => room.Backend.LinearBackward(dy, w, dx);
    }
}
