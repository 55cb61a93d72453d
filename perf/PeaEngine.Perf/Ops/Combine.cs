namespace PeaEngine.Perf.Ops;

sealed class Combine(int count, int terms) : IBenchmark
{
    public string Op => "combine";

    public IReadOnlyList<(string, int)> Arguments => [("count", count), ("terms", terms)];

    public double Flops => 0;

    public double Bytes => (terms + 1.0) * sizeof(float) * count;

    public Action Set(Room room)
    {
        var inputs = Enumerable.Range(1, terms).Select(i => new Term(0.5f * i, room.New([count]))).ToArray();
        var y = room.Empty([count]);
        return () => room.Backend.Combine(y, inputs);
    }
}
