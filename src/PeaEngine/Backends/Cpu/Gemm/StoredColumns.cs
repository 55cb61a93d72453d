namespace PeaEngine.Backends;

/// <summary>A matrix [depth, columns] as it is stored: x · weights, where <see cref="WeightColumns"/> is x · weightsᵀ.</summary>
readonly unsafe struct StoredColumns(Tensor matrix) : IGemmColumns
{
    readonly byte* data = (byte*)matrix.Address;
    readonly DType dtype = matrix.DType;

    public int Count { get; } = matrix.Shape[-1];

    public int Length { get; } = matrix.Shape.Rows;

    public void Pack<G, S, V>(int column, int columns, int k, int depth, float* panel) where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        if (columns < G.Columns) new Span<float>(panel, depth * G.Columns).Clear();
        var size = dtype.SizeInBytes();
        for (var i = 0; i < depth; i++)
            StoredRow.Widen<S, V>(data + ((nint)(k + i) * Count + column) * size, dtype, panel + (nint)i * G.Columns, columns);
    }
}
