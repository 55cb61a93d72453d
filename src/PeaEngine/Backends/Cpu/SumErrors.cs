namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void SumErrors(Tensor errors, Tensor samples, Tensor terms, Tensor sums)
    {
        ReadOnlySpan<float> error = errors.AsSpan<float>();
        ReadOnlySpan<double> sample = samples.AsSpan<double>(), term = terms.AsSpan<double>();
        var sum = sums.AsSpan<double>();
        var row = 0;
        for (var k = 0; k < sum.Length; k++)
        {
            double total = 0;
            for (var end = k < sum.Length - 1 ? Math.Min(k + 1, term.Length) : term.Length; row < end; row++)
            {
                double part = 0;
                for (var b = 0; b < sample.Length; b++) part += sample[b] * error[row * sample.Length + b];
                total += term[row] * part;
            }
            sum[k] += total;
        }
    }
}
