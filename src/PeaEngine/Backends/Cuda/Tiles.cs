namespace PeaEngine.Backends;

/// <summary>Which tile a product gets, and measuring which is best.</summary>
public sealed partial class CudaBackend
{
    TileTable? tiles;
    TileTuner? tuner;

    /// <summary>The folder of the device's table: that of the compiled kernels.</summary>
    internal string TileFolder
    {
        get => field ?? cache.Folder;
        init;
    }

    TileTable Tiles
    {
        get
        {
            if (tiles == null) (tiles = new(context)).Load(TileFolder);
            return tiles;
        }
    }

    /// <summary>Measures the tiles of some work's products, uses the best from here on, and writes them into the device's table.</summary>
    /// <param name="work">Ops on this backend, the same each time: it is run often, so gradients that it adds to it must clear first.</param>
    /// <param name="repeats">How often each tile is measured; the median counts.</param>
    /// <param name="file">The table's file.</param>
    /// <param name="clock">What measures; by default events.</param>
    /// <exception cref="PeaException">The table cannot be written.</exception>
    internal IReadOnlyList<TunedProduct> Tune(Action work, int repeats, out string file, ILaunchClock? clock = null)
    {
        using var events = clock == null ? new EventClock(stream) : null;
        tuner = new(clock ?? events!);
        try
        {
            var products = tuner.Run(work, repeats);
            foreach (var product in products) Tiles.Set(product.Key, product.Costs[0].Tile);
            file = Tiles.Save(TileFolder);
            return products;
        }
        finally
        {
            tuner = null;
        }
    }

    /// <summary>The tile that the table has for a product, or else the rule's.</summary>
    /// <param name="key">The product.</param>
    /// <param name="vectors">Whether operands can be read in vectors.</param>
    /// <param name="choice">The tiles that the op has for operands of 16 bits that can.</param>
    ProductTile Tile(in TileKey key, bool vectors, ReadOnlySpan<ProductTile> choice)
    {
        if (key.Type != DType.F32 && vectors)
        {
            if (tuner != null) return tuner.Choose(key, choice);
            if (Tiles.Find(key, choice) is { } tile) return tile;
        }
        return ProductTile.Choose(key.Type, key.Rows, key.Columns, vectors, context.Device.Multiprocessors, choice);
    }
}
