using PeaEngine.Cuda;

namespace PeaEngine.Backends;

/// <summary>Measures launches. They may still be under way when <see cref="Stop"/> returns.</summary>
interface ILaunchClock
{
    /// <summary>Before a launch.</summary>
    void Start();

    /// <summary>After it.</summary>
    void Stop();

    /// <summary>What each launch since the last call has cost, in their order, when all are done.</summary>
    IReadOnlyList<double> Read();
}

/// <summary>Milliseconds by events in a stream, which are used again.</summary>
sealed class EventClock(CudaStream stream) : ILaunchClock, IDisposable
{
    readonly List<(CudaEvent Begin, CudaEvent End)> pairs = [];
    int count;

    public void Start()
    {
        if (count == pairs.Count) pairs.Add((new(stream.Context, timed: true), new(stream.Context, timed: true)));
        stream.Record(pairs[count].Begin);
    }

    public void Stop() => stream.Record(pairs[count++].End);

    public IReadOnlyList<double> Read()
    {
        stream.Synchronize();
        double[] ms = [.. pairs.Take(count).Select(pair => (double)pair.End.ElapsedMs(pair.Begin))];
        count = 0;
        return ms;
    }

    public void Dispose()
    {
        foreach (var (begin, end) in pairs)
        {
            begin.Dispose();
            end.Dispose();
        }
    }
}

/// <summary>A product that was measured.</summary>
/// <param name="Key">The product.</param>
/// <param name="Costs">The median cost with each tile, the least first.</param>
sealed record TunedProduct(TileKey Key, IReadOnlyList<(string Tile, double Cost)> Costs);

/// <summary>
/// Measures the tiles of the products of some work. The work is run with each of the tiles in turn, and every product's launch is measured where it stands: whatever op it belongs to,
/// with the work's own data, and with the caches as the launches before it leave them.
/// </summary>
sealed class TileTuner(ILaunchClock clock)
{
    readonly Dictionary<TileKey, Dictionary<string, List<double>>> costs = [];
    readonly List<(TileKey Key, string Tile)> launched = [];

    (TileKey Key, string Tile)? next;
    int turn, most = 1;

    /// <summary>The tile of this turn.</summary>
    public ProductTile Choose(in TileKey key, ReadOnlySpan<ProductTile> choice)
    {
        most = Math.Max(most, choice.Length);
        var tile = choice[turn % choice.Length];
        next = (key, tile.Name);
        return tile;
    }

    /// <summary>The product has no outputs: nothing is launched for it.</summary>
    public void Skip() => next = null;

    /// <summary>A kernel is about to be given to the stream: a product's, if a tile was chosen since the last.</summary>
    public void BeforeLaunch()
    {
        if (next != null) clock.Start();
    }

    /// <summary>It was given.</summary>
    public void AfterLaunch()
    {
        if (next is not { } product) return;
        clock.Stop();
        launched.Add(product);
        next = null;
    }

    /// <summary>Runs the work with each tile, once before anything is measured and then so often.</summary>
    public IReadOnlyList<TunedProduct> Run(Action work, int repeats)
    {
        for (var run = 0; run <= repeats; run++)
            for (turn = 0; turn < most; turn++)
            {
                work();
                var read = clock.Read();
                // Kernels are compiled and memory grows in the first.
                if (run > 0)
                    for (var i = 0; i < read.Count; i++) Add(launched[i], read[i]);
                launched.Clear();
            }
        return [.. costs.Select(product => new TunedProduct(product.Key, [.. product.Value.Select(tile => (tile.Key, Median(tile.Value))).OrderBy(tile => tile.Item2)]))];
    }

    void Add((TileKey Key, string Tile) product, double cost)
    {
        if (!costs.TryGetValue(product.Key, out var tiles)) costs.Add(product.Key, tiles = []);
        if (!tiles.TryGetValue(product.Tile, out var list)) tiles.Add(product.Tile, list = []);
        list.Add(cost);
    }

    static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
