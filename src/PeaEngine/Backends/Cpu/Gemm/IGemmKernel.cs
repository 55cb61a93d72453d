namespace PeaEngine.Backends;

/// <summary>
/// The register-tiled product at the bottom of every matrix product, in one instruction set. B is packed: panels of
/// <see cref="Columns"/> columns, each panel [depth, Columns]. A is rows of consecutive floats at any stride.
/// Every output is one sequential chain of multiply-adds over the depth, whatever the tile it falls in.
/// </summary>
unsafe interface IGemmKernel
{
    /// <summary>The most rows of a tile.</summary>
    static abstract int Rows { get; }

    /// <summary>The columns of a tile, a multiple of <see cref="TransposeSize"/>.</summary>
    static abstract int Columns { get; }

    /// <summary>The side of the square that <see cref="Transpose"/> turns.</summary>
    static abstract int TransposeSize { get; }

    /// <summary>The rows of the smallest tile that takes <paramref name="left"/> rows, or <see cref="Rows"/> if none does.</summary>
    static abstract int TileRows(int left);

    /// <summary>
    /// c [rows, Columns] = or += a [rows, depth] · b [depth, Columns].
    /// </summary>
    /// <param name="rows">A value that <see cref="TileRows"/> gives.</param>
    /// <param name="a">Rows at <paramref name="aStride"/> floats.</param>
    /// <param name="aStride">Floats from row to row of a.</param>
    /// <param name="b">The panel, aligned to a vector.</param>
    /// <param name="depth">At least 1.</param>
    /// <param name="c">Rows at <paramref name="cStride"/> floats.</param>
    /// <param name="cStride">Floats from row to row of c.</param>
    /// <param name="add">Whether c is added to.</param>
    /// <param name="next">What will be read after this: fetched meanwhile, a cache line a step of the depth.</param>
    static abstract void Multiply(int rows, float* a, nint aStride, float* b, int depth, float* c, nint cStride, bool add, float* next);

    /// <summary>Turns a square of <see cref="TransposeSize"/> 32-bit words; <paramref name="to"/> may lie anywhere.</summary>
    /// <param name="from">Rows at <paramref name="fromBytes"/> bytes, any alignment.</param>
    /// <param name="fromBytes">Bytes from row to row.</param>
    /// <param name="to">Rows at <paramref name="toStride"/> words.</param>
    /// <param name="toStride">Words from row to row.</param>
    static abstract void Transpose(byte* from, nint fromBytes, uint* to, nint toStride);

    /// <summary>
    /// Turns a square of pairs of halves: <see cref="TransposeSize"/> rows of twice as many halves become twice as many rows of
    /// singles. Exact, subnormals, infinities and NaN too.
    /// </summary>
    /// <param name="from">Rows at <paramref name="fromBytes"/> bytes, any alignment.</param>
    /// <param name="fromBytes">Bytes from row to row.</param>
    /// <param name="to">Rows at <paramref name="toStride"/> floats.</param>
    /// <param name="toStride">Floats from row to row.</param>
    static abstract void TransposeF16(byte* from, nint fromBytes, float* to, nint toStride);

    /// <summary>As <see cref="TransposeF16"/>, from bfloat16.</summary>
    static abstract void TransposeBF16(byte* from, nint fromBytes, float* to, nint toStride);
}
