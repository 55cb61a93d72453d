namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null)
    {
        int batch = x.Shape[0], h = x.Shape[1], w = x.Shape[2], ci = x.Shape[3], ho = y.Shape[1], wo = y.Shape[2], co = y.Shape[3], kh = weight.Shape[1], kw = weight.Shape[2];
        int hv = geometry.InputHeight == 0 ? h : geometry.InputHeight, wv = geometry.InputWidth == 0 ? w : geometry.InputWidth;
        float* px = (float*)x.Address, py = (float*)y.Address;
        for (var b = 0; b < batch; b++)
            for (var oy = 0; oy < ho; oy++)
                for (var ox = 0; ox < wo; ox++)
                    for (var o = 0; o < co; o++)
                    {
                        var sum = bias is { } pb ? ((float*)pb.Address)[o] : 0;
                        if (shift is { } ps) sum += ((float*)ps.Address)[b * co + o];
                        for (var ky = 0; ky < kh; ky++)
                            for (var kx = 0; kx < kw; kx++)
                            {
                                int iy = oy * geometry.Stride + ky - geometry.Padding, ix = ox * geometry.Stride + kx - geometry.Padding;
                                if ((uint)iy >= (uint)hv || (uint)ix >= (uint)wv) continue;
                                iy = (int)((long)iy * h / hv);
                                ix = (int)((long)ix * w / wv);
                                var row = px + (((long)b * h + iy) * w + ix) * ci;
                                var at = (((long)o * kh + ky) * kw + kx) * ci;
                                for (var c = 0; c < ci; c++) sum += row[c] * Weight(weight, at + c);
                            }
                        var to = (((long)b * ho + oy) * wo + ox) * co + o;
                        py[to] = sum + (residual is { } pr ? ((float*)pr.Address)[to] : 0);
                    }
    }
}
