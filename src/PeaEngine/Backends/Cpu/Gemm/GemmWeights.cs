namespace PeaEngine.Backends;

/// <summary>Weights [N, K] as they are stored. A convolution's [O, kh, kw, I] are such, with K = kh·kw·I.</summary>
readonly unsafe struct GemmWeights(Tensor weight)
{
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

    /// <summary>One element.</summary>
    public float Single(int n, int k) => DType switch
    {
        DType.F32 => StoredF32.Load(At(n, k)),
        DType.F16 => StoredF16.Load(At(n, k)),
        _ => StoredBF16.Load(At(n, k)),
    };
}
