namespace PeaEngine.Backends;

/// <summary>How a Winograd convolution is cut, and whether it pays.</summary>
readonly struct WinogradPlan
{
    /// <summary>The most input channels at a time: 36 panels [160, 32] of transformed weights (740 KB) lie in the second-level cache.</summary>
    const int MaxDepth = 160;

    /// <summary>The most bytes of transformed inputs at a time, since every panel of outputs reads them again: half a third-level cache.</summary>
    const long MaxInputBytes = 16 << 20;

    /// <summary>
    /// Costs in clocks, measured: a multiply-add is one 16th, transforming a pair of channels' kernel 25, a channel of an input tile 40, a
    /// channel of an output tile 25, packing an element of plain weights 0.6, gathering an element of a row 0.15, storing a tile's sums 80.
    /// </summary>
    const double MultiplyAdd = 1.0 / 16, Kernel = 25, InputTile = 40, OutputTile = 25, PackWeight = 0.6, Gather = 0.15, StoreTile = 80;

    /// <summary>A plan for a convolution of kernel 3 and stride 1.</summary>
    public WinogradPlan(in ConvShape shape, int threads, int tileRows, int tileColumns)
    {
        TilesAcross = (shape.OutWidth + WinogradTransform.Tile - 1) / WinogradTransform.Tile;
        TilesPerImage = (shape.OutHeight + WinogradTransform.Tile - 1) / WinogradTransform.Tile * TilesAcross;
        Tiles = shape.Batch * TilesPerImage;
        DepthBlocks = (shape.InChannels + MaxDepth - 1) / MaxDepth;
        Depth = RoundUp((shape.InChannels + DepthBlocks - 1) / DepthBlocks, 16);
        DepthBlocks = (shape.InChannels + Depth - 1) / Depth;
        // An odd number of cache lines, so that the rows of a tile fall into different sets.
        InputStride = (Depth + 15) / 32 * 32 + 16;
        var blocks = (int)((Tiles * (long)(WinogradTransform.Positions * sizeof(float)) * DepthBlocks * InputStride + MaxInputBytes - 1) / MaxInputBytes);
        BlockTiles = RoundUp((Tiles + blocks - 1) / blocks, tileRows);
        Panels = (shape.OutChannels + tileColumns - 1) / tileColumns;
        var slivers = Slivers(Math.Min(BlockTiles, Tiles), tileRows);
        var best = double.MaxValue;
        for (var groups = 1; groups <= Math.Min(threads, slivers); groups++)
        {
            var tiles = (slivers + groups - 1) / groups * tileRows;
            var time = (Panels * groups + threads - 1) / threads * (Kernel + WinogradTransform.Positions * MultiplyAdd * tiles);
            if (time >= best) continue;
            best = time;
            Groups = groups;
        }
    }

    /// <summary>Tiles in all.</summary>
    public int Tiles { get; }

    /// <summary>Tiles of an image.</summary>
    public int TilesPerImage { get; }

    /// <summary>Tiles beside each other in an image.</summary>
    public int TilesAcross { get; }

    /// <summary>Tiles that are transformed before they are multiplied, a whole number of the product's tiles.</summary>
    public int BlockTiles { get; }

    /// <summary>Input channels of a block of depth; the last may have fewer.</summary>
    public int Depth { get; }

    /// <summary>How many blocks the depth has.</summary>
    public int DepthBlocks { get; }

    /// <summary>Floats from tile to tile of a depth block of transformed inputs.</summary>
    public int InputStride { get; }

    /// <summary>Floats of a block of transformed inputs, [DepthBlocks, slivers, 36, tileRows, InputStride].</summary>
    public long InputSize(int tileRows) => (long)Slivers(Math.Min(BlockTiles, Tiles), tileRows) * SliverSize(tileRows) * DepthBlocks;

    /// <summary>Floats of a sliver, the transformed inputs that become rows of one tile of the product.</summary>
    public nint SliverSize(int tileRows) => (nint)WinogradTransform.Positions * tileRows * InputStride;

    /// <summary>Slivers of so many tiles.</summary>
    public static int Slivers(int tiles, int tileRows) => (tiles + tileRows - 1) / tileRows;

    /// <summary>Panels of output channels.</summary>
    public int Panels { get; }

    /// <summary>Parts that a block's tiles are cut into, where the panels alone do not keep all threads busy.</summary>
    public int Groups { get; }

    /// <summary>
    /// Whether this is faster than the sums themselves. Fewer multiplications, 36 a tile for 144, pay for the transforms unless the
    /// image is so small that transforming the weights, whose cost does not shrink with the image, is more than is saved.
    /// </summary>
    public static bool Pays(in ConvShape shape, int tileRows, int tileColumns)
    {
        if (shape.Kernel != 3 || shape.Stride != 1 || shape.InChannels < 16) return false;
        const int Tile = WinogradTransform.Tile, Positions = WinogradTransform.Positions;
        double pixels = (double)shape.Batch * shape.OutHeight * shape.OutWidth, ins = shape.InChannels, outs = RoundUp(shape.OutChannels, tileColumns);
        double tiles = (double)shape.Batch * ((shape.OutHeight + Tile - 1) / Tile) * ((shape.OutWidth + Tile - 1) / Tile);
        var rows = Math.Max(tiles, 4);
        var winograd = outs * ins * (Kernel + Positions * MultiplyAdd * rows) + tiles * (InputTile * ins + OutputTile * outs)
            + Positions * rows / tileRows * (outs / tileColumns) * ((ins + MaxDepth - 1) / MaxDepth) * StoreTile;
        var plain = outs * ins * 9 * (PackWeight + MultiplyAdd * pixels) + pixels * 9 * ins * Gather;
        return winograd < plain;
    }

    static int RoundUp(int value, int step) => (value + step - 1) / step * step;
}
