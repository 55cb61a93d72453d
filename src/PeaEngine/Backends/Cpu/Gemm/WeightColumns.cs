namespace PeaEngine.Backends;

/// <summary>Weights [N, K] as they are stored, as columns of depth K: x · weightsᵀ. A convolution's [O, kh, kw, I] are such, with K = kh·kw·I.</summary>
readonly unsafe struct WeightColumns(Tensor weight) : IGemmColumns
{
    const int AheadBytes = 256;

    readonly byte* data = (byte*)weight.Address;

    public DType DType { get; } = weight.DType;

    /// <summary>N</summary>
    public int Count { get; } = weight.Shape[0];

    /// <summary>K</summary>
    public int Length { get; } = (int)(weight.Elements / weight.Shape[0]);

    /// <summary>Bytes from row to row.</summary>
    public nint RowBytes => (nint)Length * DType.SizeInBytes();

    /// <summary>Where the element of row <paramref name="n"/> and column <paramref name="k"/> lies.</summary>
    public byte* At(int n, int k) => data + ((nint)n * Length + k) * DType.SizeInBytes();

    public void Pack<G, S, V>(int column, int columns, int k, int depth, float* panel) where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        if (columns < G.Columns) new Span<float>(panel, depth * G.Columns).Clear();
        var step = G.TransposeSize * (DType == DType.F32 ? 1 : 2);
        int whole = columns / G.TransposeSize * G.TransposeSize, turned = depth / step * step;
        var bytes = RowBytes;
        for (var i = 0; i < turned; i += step)
            for (var n = 0; n < whole; n += G.TransposeSize)
            {
                var from = At(column + n, k + i);
                // Each row is a stream of its own, too short for the processor to foresee.
                for (var r = 0; r < G.TransposeSize; r++) Prefetch.Fetch((float*)(from + r * bytes + AheadBytes));
                var to = panel + (nint)i * G.Columns + n;
                if (DType == DType.F32) G.Transpose(from, bytes, (uint*)to, G.Columns);
                else if (DType == DType.F16) G.TransposeF16(from, bytes, to, G.Columns);
                else G.TransposeBF16(from, bytes, to, G.Columns);
            }
        for (var n = 0; n < columns; n++)
            for (var i = n < whole ? turned : 0; i < depth; i++)
                panel[(nint)i * G.Columns + n] = Single(column + n, k + i);
    }

    float Single(int n, int k) => DType switch
    {
        DType.F32 => StoredF32.Load(At(n, k)),
        DType.F16 => StoredF16.Load(At(n, k)),
        _ => StoredBF16.Load(At(n, k)),
    };
}
