using PeaEngine.Tests.Cuda;

namespace PeaEngine.Tests.Ops;

/// <summary>What a mask of attention is made of.</summary>
[Flags]
public enum Masks
{
    None = 0,
    Causal = 1,
    KeyPadding = 2,
    Bias = 4,
    BiasOfHeads = 8,
    BiasOfBatch = 16,
}

/// <summary>The extents of attention, and the definition in double precision. A scale of 0 stands for 1/√D.</summary>
public sealed record AttentionCase(int Batch, int Queries, int Keys, int Heads, int Depth, Masks Masks = Masks.None, float Scale = 0)
{
    public float Factor => Scale == 0 ? 1 / MathF.Sqrt(Depth) : Scale;

    public Shape QueryShape => [Batch, Queries, Heads * Depth];

    public Shape KeyShape => [Batch, Keys, Heads * Depth];

    public Shape BiasShape => [Masks.HasFlag(Masks.BiasOfBatch) ? Batch : 1, Masks.HasFlag(Masks.BiasOfHeads) ? Heads : 1, Queries, Keys];

    public override string ToString() => $"{(Batch, Queries, Keys, Heads, Depth)} {Masks} {Scale}";

    public AttentionMask Mask(Fenced fenced)
    {
        Tensor? padding = null;
        if (Masks.HasFlag(Masks.KeyPadding))
        {
            padding = fenced.New([Batch, Keys], DType.U8);
            for (var i = 0; i < Batch * Keys; i++) padding.Value.AsSpan<byte>()[i] = (byte)(IsPadded(i / Keys, i % Keys) ? 0 : 255);
        }
        return new(Masks.HasFlag(Masks.Causal), padding, Masks.HasFlag(Masks.Bias) ? fenced.Normal(BiasShape, deviation: 2) : null);
    }

    /// <summary>The weights [B, heads, Tq, Tk] and the logarithms of the sums of the exponentials [B, heads, Tq].</summary>
    public (double[] Weights, double[] LogSumExp) Weigh(double[] q, double[] k, double[]? bias)
    {
        double[] weights = new double[Batch * Heads * Queries * Keys], sums = new double[Batch * Heads * Queries];
        ForEachQuery((b, h, i, row) =>
        {
            var scores = weights.AsSpan(row * Keys, Keys);
            for (var j = 0; j < Keys; j++)
            {
                for (var e = 0; e < Depth; e++) scores[j] += q[QueryAt(b, i, h) + e] * k[KeyAt(b, j, h) + e];
                scores[j] = scores[j] * Factor + (bias?[BiasAt(b, h, i, j)] ?? 0);
                if ((Masks.HasFlag(Masks.Causal) && j > i) || (Masks.HasFlag(Masks.KeyPadding) && IsPadded(b, j))) scores[j] = double.NegativeInfinity;
            }
            double largest = double.NegativeInfinity, total = 0;
            foreach (var score in scores) largest = Math.Max(largest, score);
            foreach (ref var score in scores) total += score = double.IsNegativeInfinity(score) ? 0 : Math.Exp(score - largest);
            foreach (ref var score in scores) score /= total > 0 ? total : 1;
            sums[row] = largest + Math.Log(total);
        });
        return (weights, sums);
    }

    /// <summary>weights · v</summary>
    public double[] Average(double[] weights, double[] v)
    {
        var y = new double[QueryShape.Elements];
        ForEachQuery((b, h, i, row) =>
        {
            for (var j = 0; j < Keys; j++)
                for (var e = 0; e < Depth; e++) y[QueryAt(b, i, h) + e] += weights[row * Keys + j] * v[KeyAt(b, j, h) + e];
        });
        return y;
    }

    /// <summary>The gradients by the chain rule, without the shortcut over y; <paramref name="dBias"/> is added to.</summary>
    public (double[] Dq, double[] Dk, double[] Dv) Gradients(double[] q, double[] k, double[] v, double[]? bias, double[] dy, double[]? dBias)
    {
        var (weights, _) = Weigh(q, k, bias);
        double[] dq = new double[q.Length], dk = new double[k.Length], dv = new double[v.Length], dWeights = new double[Keys];
        ForEachQuery((b, h, i, row) =>
        {
            int at = QueryAt(b, i, h);
            var p = weights.AsSpan(row * Keys, Keys);
            double mean = 0;
            for (var j = 0; j < Keys; j++)
            {
                dWeights[j] = 0;
                for (var e = 0; e < Depth; e++)
                {
                    dWeights[j] += dy[at + e] * v[KeyAt(b, j, h) + e];
                    dv[KeyAt(b, j, h) + e] += p[j] * dy[at + e];
                }
                mean += p[j] * dWeights[j];
            }
            for (var j = 0; j < Keys; j++)
            {
                var dScore = p[j] * (dWeights[j] - mean);
                if (dBias != null) dBias[BiasAt(b, h, i, j)] += dScore;
                for (var e = 0; e < Depth; e++)
                {
                    dq[at + e] += Factor * dScore * k[KeyAt(b, j, h) + e];
                    dk[KeyAt(b, j, h) + e] += Factor * dScore * q[at + e];
                }
            }
        });
        return (dq, dk, dv);
    }

    /// <summary>
    /// The gradients as tensor cores make them: mean over the keys from y, and the weights and the gradients of the scores, which are factors of the second products, rounded as all factors are.
    /// </summary>
    public (double[] Dq, double[] Dk, double[] Dv) RoundedGradients(double[] q, double[] k, double[] v, double[]? bias, double[] y, double[] dy, DType type)
    {
        var (weights, _) = Weigh(q, k, bias);
        double[] dq = new double[q.Length], dk = new double[k.Length], dv = new double[v.Length];
        double Round(double value) => Values.Round((float)value, type);
        ForEachQuery((b, h, i, row) =>
        {
            var at = QueryAt(b, i, h);
            double Product(double[] x, int from) => Enumerable.Range(0, Depth).Sum(e => dy[at + e] * x[from + e]);
            var mean = Product(y, at);
            for (var j = 0; j < Keys; j++)
            {
                var key = KeyAt(b, j, h);
                double weight = weights[row * Keys + j], rounded = Round(weight), dScore = Round(weight * (Product(v, key) - mean));
                for (var e = 0; e < Depth; e++)
                {
                    dv[key + e] += rounded * dy[at + e];
                    dq[at + e] += Factor * dScore * k[key + e];
                    dk[key + e] += Factor * dScore * q[at + e];
                }
            }
        });
        return (dq, dk, dv);
    }

    // The second sample sees nothing, the others miss their first keys (with a causal mask, early queries then see nothing), some between and the last.
    bool IsPadded(int batch, int key) => batch == 1 || key < 3 || (batch * Keys + key) % 7 == 3 || key == Keys - 1;

    void ForEachQuery(Action<int, int, int, int> visit)
    {
        for (var b = 0; b < Batch; b++)
            for (var h = 0; h < Heads; h++)
                for (var i = 0; i < Queries; i++) visit(b, h, i, (b * Heads + h) * Queries + i);
    }

    int QueryAt(int batch, int query, int head) => ((batch * Queries + query) * Heads + head) * Depth;

    int KeyAt(int batch, int key, int head) => ((batch * Keys + key) * Heads + head) * Depth;

    int BiasAt(int batch, int head, int query, int key) =>
        (((BiasShape[0] == 1 ? 0 : batch) * BiasShape[1] + (BiasShape[1] == 1 ? 0 : head)) * Queries + query) * Keys + key;
}
