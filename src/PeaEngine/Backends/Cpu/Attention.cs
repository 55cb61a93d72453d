namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Attention(Tensor q, Tensor k, Tensor v, Tensor y, int heads, float scale, AttentionMask mask = default)
    {
        int batch = q.Shape[0], tq = q.Shape[1], tk = k.Shape[1], c = q.Shape[2], d = c / heads;
        var scores = new double[tk];
        var sum = new double[d];
        for (var b = 0; b < batch; b++)
            for (var h = 0; h < heads; h++)
                for (var i = 0; i < tq; i++)
                {
                    var pq = (float*)q.Address + ((long)b * tq + i) * c + h * d;
                    double max = double.NegativeInfinity, total = 0;
                    for (var j = 0; j < tk; j++)
                    {
                        var pk = (float*)k.Address + ((long)b * tk + j) * c + h * d;
                        double s = 0;
                        for (var e = 0; e < d; e++) s += pq[e] * pk[e];
                        s *= scale;
                        if (mask.Bias is { } bias)
                            s += ((float*)bias.Address)[(((long)(bias.Shape[0] == 1 ? 0 : b) * bias.Shape[1] + (bias.Shape[1] == 1 ? 0 : h)) * tq + i) * tk + j];
                        if ((mask.Causal && j > i) || (mask.KeyPadding is { } padding && ((byte*)padding.Address)[(long)b * tk + j] == 0)) s = double.NegativeInfinity;
                        scores[j] = s;
                        max = Math.Max(max, s);
                    }
                    Array.Clear(sum);
                    for (var j = 0; j < tk && !double.IsNegativeInfinity(max); j++)
                    {
                        var p = Math.Exp(scores[j] - max);
                        total += p;
                        var pv = (float*)v.Address + ((long)b * tk + j) * c + h * d;
                        for (var e = 0; e < d; e++) sum[e] += p * pv[e];
                    }
                    var py = (float*)y.Address + ((long)b * tq + i) * c + h * d;
                    for (var e = 0; e < d; e++) py[e] = total == 0 ? 0 : (float)(sum[e] / total);
                }
    }
}
