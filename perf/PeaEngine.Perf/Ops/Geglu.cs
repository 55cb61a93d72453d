namespace PeaEngine.Perf.Ops;

sealed class Geglu(int rows, int inFeatures, int outFeatures) : IBenchmark
{
    public string Op => "geglu";

    public IReadOnlyList<(string, int)> Arguments => [("rows", rows), ("ins", inFeatures), ("outs", outFeatures)];

    public double Flops => 4.0 * rows * inFeatures * outFeatures;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        Tensor x = room.New([rows, inFeatures]), w = room.New([2 * outFeatures, inFeatures], 0.05f), b = room.New([2 * outFeatures]), y = room.Empty([rows, outFeatures]);
        return () => room.Backend.Geglu(x, w, b, y);
    }
}
