namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        int m = y.Shape.Rows, n = weight.Shape[0], k = weight.Shape[1];
        float* px = (float*)x.Address, py = (float*)y.Address, pb = bias is { } b ? (float*)b.Address : null, pr = residual is { } r ? (float*)r.Address : null;
        for (var i = 0; i < m; i++)
            for (var j = 0; j < n; j++)
            {
                var sum = pb == null ? 0 : pb[j];
                for (var c = 0; c < k; c++) sum += px[(long)i * k + c] * Weight(weight, (long)j * k + c);
                py[(long)i * n + j] = Apply(sum, activation) + (pr == null ? 0 : pr[(long)i * n + j]);
            }
    }

    static float Weight(Tensor weight, long index) => weight.DType switch
    {
        DType.F32 => ((float*)weight.Address)[index],
        DType.F16 => (float)((Half*)weight.Address)[index],
        _ => BitConverter.Int32BitsToSingle(((ushort*)weight.Address)[index] << 16),
    };
}
