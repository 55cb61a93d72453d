namespace PeaEngine.Perf.Ops;

sealed class Linear(int rows, int inFeatures, int outFeatures, DType weight = DType.F32) : IBenchmark
{
    public string Op => "linear";

    // The rival computes in singles whatever the weights are stored as.
    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("ins", inFeatures), ("outs", outFeatures), ("weight_bits", 8 * weight.SizeInBytes())];

    public double Flops => 2.0 * rows * inFeatures * outFeatures;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, inFeatures]), w = room.New([outFeatures, inFeatures], 0.05f, weight), b = room.New([outFeatures]), y = room.Empty([rows, outFeatures]);
        return () => room.Backend.Linear(x, w, b, y);
    }
}
