namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Activate(Tensor x, Tensor y, Activation activation)
    {
        for (long i = 0; i < x.Elements; i++) ((float*)y.Address)[i] = Apply(((float*)x.Address)[i], activation);
    }

    /// <inheritdoc/>
    public override void Combine(Tensor y, params ReadOnlySpan<Term> terms)
    {
        for (long i = 0; i < y.Elements; i++)
        {
            float sum = 0;
            foreach (var term in terms) sum += term.Coefficient * ((float*)term.Tensor.Address)[i];
            ((float*)y.Address)[i] = sum;
        }
    }

    /// <inheritdoc/>
    public override void Concat(Tensor a, Tensor b, Tensor y)
    {
        int ca = a.Shape[-1], cb = b.Shape[-1];
        for (long row = 0; row < y.Shape.Rows; row++)
        {
            var to = (float*)y.Address + row * (ca + cb);
            for (var i = 0; i < ca; i++) to[i] = ((float*)a.Address)[row * ca + i];
            for (var i = 0; i < cb; i++) to[ca + i] = ((float*)b.Address)[row * cb + i];
        }
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        for (long i = 0; i < x.Elements; i++)
            switch (y.DType)
            {
                case DType.F32: ((float*)y.Address)[i] = Weight(x, i); break;
                case DType.F16: ((Half*)y.Address)[i] = (Half)Weight(x, i); break;
                default:
                    var bits = BitConverter.SingleToUInt32Bits(Weight(x, i));
                    ((ushort*)y.Address)[i] = (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
                    break;
            }
    }

    /// <inheritdoc/>
    public override void ToChannelsLast(Tensor x, Tensor y)
    {
        int c = x.Shape[1], pixels = x.Shape[2] * x.Shape[3];
        for (var b = 0; b < x.Shape[0]; b++)
            for (var i = 0; i < c; i++)
                for (var p = 0; p < pixels; p++)
                    ((float*)y.Address)[((long)b * pixels + p) * c + i] = ((float*)x.Address)[((long)b * c + i) * pixels + p];
    }

    /// <inheritdoc/>
    public override void ToChannelsFirst(Tensor x, Tensor y)
    {
        int c = y.Shape[1], pixels = y.Shape[2] * y.Shape[3];
        for (var b = 0; b < y.Shape[0]; b++)
            for (var i = 0; i < c; i++)
                for (var p = 0; p < pixels; p++)
                    ((float*)y.Address)[((long)b * c + i) * pixels + p] = ((float*)x.Address)[((long)b * pixels + p) * c + i];
    }

    /// <inheritdoc/>
    public override void RescaleGuidance(Tensor noise, Tensor text, float phi)
    {
        var size = noise.Elements / noise.Shape[0];
        for (var b = 0; b < noise.Shape[0]; b++)
        {
            float* n = (float*)noise.Address + b * size, t = (float*)text.Address + b * size;
            var factor = (float)(phi * Deviation(t, size) / Deviation(n, size) + 1 - phi);
            for (long i = 0; i < size; i++) n[i] *= factor;
        }
    }

    static double Deviation(float* x, long size)
    {
        double mean = 0, squares = 0;
        for (long i = 0; i < size; i++) mean += x[i];
        mean /= size;
        for (long i = 0; i < size; i++) squares += (x[i] - mean) * (x[i] - mean);
        return Math.Sqrt(squares / (size - 1));
    }

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
