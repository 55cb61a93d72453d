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
}

/// <summary>A matrix [rows, columns] in memory.</summary>
readonly unsafe struct MatrixRows(float* x, nint columns) : IGemmRows
{
    public void Pack(int row, int count, int k, int depth, float* to, nint stride)
    {
        for (var r = 0; r < count; r++)
            Unsafe.CopyBlockUnaligned(to + r * stride, x + (row + r) * columns + k, (uint)depth * sizeof(float));
    }
}
