namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y)
    {
        int m = y.Shape.Rows, n = weight.Shape[0] / 2, k = weight.Shape[1];
        float* px = (float*)x.Address, py = (float*)y.Address, pb = bias is { } b ? (float*)b.Address : null;
        for (var i = 0; i < m; i++)
            for (var j = 0; j < n; j++)
            {
                float value = pb == null ? 0 : pb[j], gate = pb == null ? 0 : pb[n + j];
                for (var c = 0; c < k; c++)
                {
                    value += px[(long)i * k + c] * Weight(weight, (long)j * k + c);
                    gate += px[(long)i * k + c] * Weight(weight, (long)(n + j) * k + c);
                }
                py[(long)i * n + j] = value * Apply(gate, Activation.Gelu);
            }
    }
}
