namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    const int MaxTerms = 8;

    /// <inheritdoc/>
    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        if (terms.Length is < 1 or > MaxTerms) throw new PeaException($"combine: {terms.Length} terms, expected 1 to {MaxTerms}");
        Span<nint> x = stackalloc nint[MaxTerms];
        Span<float> c = stackalloc float[MaxTerms];
        for (var i = 0; i < terms.Length; i++)
        {
            CheckTypes("combine", y, terms[i].Tensor);
            (x[i], c[i]) = (terms[i].Tensor.Address, terms[i].Coefficient);
        }
        Launch("combine", new("combine", Suffix(y.DType)), y, Vectors(y), y.Address, y.Elements, terms.Length,
            x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]);
    }

    /// <inheritdoc/>
    public override void CombineAt(Tensor y, Tensor coefficients, ReadOnlySpan<Tensor> terms)
    {
        if (terms.Length is < 1 or > MaxTerms) throw new PeaException($"combine: {terms.Length} terms, expected 1 to {MaxTerms}");
        CheckSingle("combine", y, coefficients);
        Span<nint> x = stackalloc nint[MaxTerms];
        for (var i = 0; i < terms.Length; i++)
        {
            CheckTypes("combine", y, terms[i]);
            x[i] = terms[i].Address;
        }
        Launch("combine", new("combine", "at", "f32"), y, Vectors(y), y.Address, y.Elements, terms.Length, coefficients.Address, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]);
    }
}
