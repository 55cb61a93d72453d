namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums)
    {
        CheckSingle("sum_errors", errors);
        CheckDouble("sum_errors", samples, terms, sums);
        if (sums.Elements is < 1 or > RowLanes) throw new PeaException($"sum_errors: {sums.Elements} sums, expected 1 to {RowLanes}");
        Launch("sum_errors", new("sum_errors"), sums, new(1, RowLanes), errors.Address, samples.Address, terms.Address, sums.Address, (int)terms.Elements, (int)samples.Elements, (int)sums.Elements);
    }
}
