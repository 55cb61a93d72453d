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

    static float Apply(float x, Activation activation) => activation switch
    {
        Activation.Silu => x / (1 + MathF.Exp(-x)),
        Activation.Gelu => 0.5f * x * (1 + Erf(x * 0.70710678f)),
        Activation.GeluTanh => 0.5f * x * (1 + MathF.Tanh(0.79788456f * (x + 0.044715f * x * x * x))),
        Activation.QuickGelu => x / (1 + MathF.Exp(-1.702f * x)),
        _ => x,
    };

    static float Erf(float value)
    {
        double x = Math.Abs(value), t = 1 / (1 + 0.5 * x);
        var y = 1 - t * Math.Exp(-x * x - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
            + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));
        return (float)(value < 0 ? -y : y);
    }
}
