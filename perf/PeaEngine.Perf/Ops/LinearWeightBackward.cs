namespace PeaEngine.Perf.Ops;

sealed class LinearWeightBackward(int rows, int inFeatures, int outFeatures) : IBenchmark
{
    public string Op => "linear_weight_backward";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("ins", inFeatures), ("outs", outFeatures)];

    public double Flops => 2.0 * rows * inFeatures * outFeatures;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, inFeatures]), dy = room.New([rows, outFeatures], 1e-3f), dw = room.Empty([outFeatures, inFeatures]);
        return () => room.Backend.LinearWeightBackward(x, dy, dw);
    }
}
