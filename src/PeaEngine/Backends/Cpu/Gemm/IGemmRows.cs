using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>The left matrix of a product, handed out in packed pieces: stored, or gathered from an image.</summary>
unsafe interface IGemmRows
{
    /// <summary>Writes columns <paramref name="k"/> to k + <paramref name="depth"/> of <paramref name="count"/> rows.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="k">The first column.</param>
    /// <param name="depth">How many columns.</param>
    /// <param name="to">Rows at <paramref name="stride"/> floats.</param>
    /// <param name="stride">Floats from row to row.</param>
    void Pack(int row, int count, int k, int depth, float* to, nint stride);

    /// <summary>Asks for the memory of a part of what <see cref="Pack"/> will read.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="k">The first column.</param>
    /// <param name="depth">How many columns.</param>
    /// <param name="part">Which part.</param>
    /// <param name="parts">Of how many.</param>
    void Fetch(int row, int count, int k, int depth, int part, int parts);
}

/// <summary>A matrix [rows, columns] in memory.</summary>
readonly unsafe struct MatrixRows(float* x, nint columns) : IGemmRows
{
    // All rows a cache line at a time: that many streams come from memory at once, where row by row each begins with a wait.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(int row, int count, int k, int depth, float* to, nint stride)
    {
        const int Line = 16;
        var from = x + row * columns + k;
        var i = 0;
        for (; i + Line <= depth; i += Line)
            for (nint r = 0; r < count; r++) Unsafe.CopyBlockUnaligned(to + r * stride + i, from + r * columns + i, Line * sizeof(float));
        for (; i < depth; i++)
            for (nint r = 0; r < count; r++) to[r * stride + i] = from[r * columns + i];
    }

    public void Fetch(int row, int count, int k, int depth, int part, int parts)
    {
        for (var r = part; r < count; r += parts)
            for (var i = 0; i < depth; i += Prefetch.Line) Prefetch.Fetch(x + (row + r) * columns + k + i);
    }
}
