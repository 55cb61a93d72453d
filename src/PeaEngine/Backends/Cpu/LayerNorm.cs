namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LayerNorm(Tensor x, Tensor gamma, Tensor beta, Tensor y, float epsilon)
    {
        int rows = x.Shape.Rows, c = x.Shape[-1];
        float* pg = (float*)gamma.Address, pb = (float*)beta.Address;
        for (var r = 0; r < rows; r++)
        {
            float* px = (float*)x.Address + (long)r * c, py = (float*)y.Address + (long)r * c;
            double mean = 0, squares = 0;
            for (var i = 0; i < c; i++) mean += px[i];
            mean /= c;
            for (var i = 0; i < c; i++) squares += (px[i] - mean) * (px[i] - mean);
            var rstd = 1 / Math.Sqrt(squares / c + epsilon);
            for (var i = 0; i < c; i++) py[i] = (float)((px[i] - mean) * rstd) * pg[i] + pb[i];
        }
    }
}
