namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GroupNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, int groups, float epsilon, bool silu)
    {
        int batch = x.Shape[0], c = x.Shape[-1], per = c / groups;
        var pixels = (int)(x.Elements / batch / c);
        float* px = (float*)x.Address, py = (float*)y.Address, pg = (float*)gamma.Address, pb = (float*)beta.Address;
        for (var b = 0; b < batch; b++)
            for (var g = 0; g < groups; g++)
            {
                double sum = 0, squares = 0;
                for (var p = 0; p < pixels; p++)
                    for (var i = g * per; i < (g + 1) * per; i++) sum += px[((long)b * pixels + p) * c + i];
                var mean = sum / ((double)pixels * per);
                for (var p = 0; p < pixels; p++)
                    for (var i = g * per; i < (g + 1) * per; i++)
                    {
                        var d = px[((long)b * pixels + p) * c + i] - mean;
                        squares += d * d;
                    }
                var rstd = 1 / Math.Sqrt(squares / ((double)pixels * per) + epsilon);
                for (var p = 0; p < pixels; p++)
                    for (var i = g * per; i < (g + 1) * per; i++)
                    {
                        var at = ((long)b * pixels + p) * c + i;
                        var value = (float)((px[at] - mean) * rstd) * pg[i] + pb[i];
                        py[at] = silu ? Apply(value, Activation.Silu) : value;
                    }
            }
    }
}
