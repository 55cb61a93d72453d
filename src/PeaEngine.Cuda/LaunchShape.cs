namespace PeaEngine.Cuda;

/// <summary>Extents in three dimensions; an integer is one of x alone.</summary>
/// <param name="X">Innermost.</param>
/// <param name="Y">Up to 65535 of a grid.</param>
/// <param name="Z">Outermost, up to 65535 of a grid.</param>
public readonly record struct Extents(int X, int Y = 1, int Z = 1)
{
    /// <summary>One dimension.</summary>
    public static implicit operator Extents(int x) => new(x);

    /// <inheritdoc/>
    public override string ToString() => $"{X}x{Y}x{Z}";
}

/// <summary>How a kernel is run.</summary>
/// <param name="Grid">Blocks.</param>
/// <param name="Block">Threads of a block.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block.</param>
public readonly record struct LaunchShape(Extents Grid, Extents Block, int SharedBytes = 0)
{
    /// <inheritdoc/>
    public override string ToString() => $"grid {Grid}, block {Block}, shared {SharedBytes}";
}
