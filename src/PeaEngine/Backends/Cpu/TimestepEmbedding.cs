namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void TimestepEmbedding(Tensor values, Tensor y, bool flipSinToCos, float shift)
    {
        // Singles throughout, as the reference: at t = 999 the rounding of the frequency is most of the result's last digits.
        int dim = y.Shape[1], half = dim / 2;
        for (var row = 0; row < y.Shape[0]; row++)
        {
            var t = ((float*)values.Address)[row];
            var to = (float*)y.Address + (long)row * dim;
            if (dim % 2 == 1) to[dim - 1] = 0;
            for (var i = 0; i < half; i++)
            {
                var exponent = -MathF.Log(10000) * i / (half - shift);
                var angle = t * (float)Math.Exp(exponent);
                to[flipSinToCos ? i : half + i] = MathF.Cos(angle);
                to[flipSinToCos ? half + i : i] = MathF.Sin(angle);
            }
        }
    }
}
