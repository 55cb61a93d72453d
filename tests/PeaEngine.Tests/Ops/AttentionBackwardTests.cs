using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

public class AttentionBackwardTests : OpTests<AttentionBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
    [
        // Head sizes around the vectors' and tiles' widths, and of the models.
        .. from depth in (int[])[1, 3, 4, 15, 16, 17, 20, 33, 40, 64, 80, 160, 512]
           select Case(new(1, 13, 29, 2, depth)),
        // Numbers of queries and keys around tiles, vectors, spans and blocks of keys, strips and blocks of queries.
        .. from keys in (int[])[2, 5, 16, 17, 33, 77, 95, 96, 97, 129, 300]
           select Case(new(2, 7, keys, 3, 20)),
        .. from queries in (int[])[1, 5, 6, 7, 23, 24, 25, 191, 193, 400]
           select Case(new(1, queries, 140, 2, 16)),
        // One head: in pieces, unless there is one thread.
        Case(new(1, 410, 300, 1, 24)),
        .. from masks in (Masks[])[Masks.Causal, Masks.KeyPadding, Masks.Bias, Masks.Bias | Masks.BiasOfHeads, Masks.Bias | Masks.BiasOfBatch,
               Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads, Masks.Causal | Masks.KeyPadding, Masks.Causal | Masks.KeyPadding | Masks.Bias]
           from tokens in (int[])[9, 77, 210]
           select Case(new(3, tokens, tokens, 2, 24, masks)),
        Case(new(2, 150, 300, 1, 8, Masks.Causal)),
        Case(new(2, 300, 150, 1, 8, Masks.Causal)),
        // Scores in the hundreds: the softmax is all but a choice of one key.
        Case(new(1, 40, 200, 2, 64, Scale: 5)),
        .. SmallCases.Select(Case),
    ];

    /// <summary>Cases for what computes slowly: around the tiles of the GPU's kernels.</summary>
    public static IEnumerable<OpCase> ShortCases =>
    [
        .. from depth in (int[])[1, 4, 17, 32, 40, 64, 80, 128, 160, 161, 200, 512] select Case(new(1, 13, 29, 2, depth)),
        .. from keys in (int[])[2, 16, 33, 64, 77, 129] select Case(new(1, 7, keys, 2, 24)),
        .. from queries in (int[])[1, 16, 33, 64, 100] select Case(new(1, queries, 20, 2, 16)),
        .. from masks in (Masks[])[Masks.Causal, Masks.KeyPadding, Masks.Bias, Masks.Bias | Masks.BiasOfHeads, Masks.Bias | Masks.BiasOfBatch,
               Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads, Masks.Causal | Masks.KeyPadding, Masks.Causal | Masks.KeyPadding | Masks.Bias]
           select Case(new(3, 35, 35, 2, 24, masks)),
        Case(new(1, 70, 150, 1, 64, Masks.Causal)),
        Case(new(1, 150, 70, 1, 64, Masks.Causal)),
        Case(new(1, 70, 70, 1, 11, Masks.Causal)),
        Case(new(1, 130, 140, 1, 48)),
        Case(new(1, 40, 80, 2, 64, Scale: 5)),
    ];

    public static IEnumerable<AttentionCase> SmallCases =>
    [
        new(1, 1, 2, 1, 1), new(2, 3, 5, 2, 3), new(1, 7, 4, 1, 5, Scale: 2), new(2, 5, 6, 2, 2, Masks.Causal), new(2, 4, 9, 1, 3, Masks.KeyPadding),
        new(2, 3, 4, 2, 2, Masks.Bias), new(2, 3, 4, 2, 2, Masks.Bias | Masks.BiasOfHeads), new(2, 3, 4, 2, 2, Masks.Bias | Masks.BiasOfBatch | Masks.BiasOfHeads),
        new(3, 6, 6, 2, 3, Masks.Causal | Masks.KeyPadding | Masks.Bias),
    ];

    public static TheoryData<string> SmallNames => [.. SmallCases.Select(@case => @case.ToString())];

    [Theory, MemberData(nameof(SmallNames))]
    public void TheReferenceAgreesWithFiniteDifferences(string name)
    {
        var @case = SmallCases.Single(small => small.ToString() == name);
        using var fenced = new Fenced(new CpuBackend(1));
        double[] Values(Shape shape) => Fenced.Read(fenced.Normal(shape));
        double[] q = Values(@case.QueryShape), k = Values(@case.KeyShape), v = Values(@case.KeyShape), dy = Values(@case.QueryShape);
        double[]? bias = @case.Masks.HasFlag(Masks.Bias) ? Values(@case.BiasShape) : null, dBias = bias == null ? null : new double[bias.Length];
        double Loss(double[] q, double[] k, double[] v, double[]? bias) => @case.Average(@case.Weigh(q, k, bias).Weights, v).Zip(dy, (y, d) => y * d).Sum();
        var (dq, dk, dv) = @case.Gradients(q, k, v, bias, dy, dBias);
        Agree(FiniteDifferences.Of(x => Loss(x, k, v, bias), q), dq);
        Agree(FiniteDifferences.Of(x => Loss(q, x, v, bias), k), dk);
        Agree(FiniteDifferences.Of(x => Loss(q, k, x, bias), v), dv);
        if (bias != null) Agree(FiniteDifferences.Of(x => Loss(q, k, v, x), bias), dBias!);

        static void Agree(double[] expected, double[] actual)
        {
            for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-8);
        }
    }

    public static TheoryData<CpuIsa> Isas => [.. SupportedIsas.All];

    // The gradients of queries and keys are sums that come to nothing: what is left of them is measured against what was added.
    [Theory, MemberData(nameof(Isas))]
    public void AQueryThatSeesOneKeyHasItsWholeGradientInTheValue(CpuIsa isa)
    {
        const int Depth = 20;
        using var fenced = new Fenced(new CpuBackend(2, isa));
        Tensor q = fenced.Normal([1, 1, Depth]), k = fenced.Normal([1, 1, Depth]), v = fenced.Normal([1, 1, Depth]), dy = fenced.Normal([1, 1, Depth]);
        Tensor y = fenced.New(q.Shape), logSumExp = fenced.New([1, 1, 1]), dq = fenced.New(q.Shape), dk = fenced.New(q.Shape), dv = fenced.New(q.Shape);
        var scale = 1 / MathF.Sqrt(Depth);
        fenced.Backend.Attention(q, k, v, y, 1, scale, default, logSumExp);
        fenced.Backend.AttentionBackward(q, k, v, y, logSumExp, dy, dq, dk, dv, 1, scale);
        for (var i = 0; i < Depth; i++)
        {
            Assert.Equal(Fenced.Read(dy)[i], Fenced.Read(dv)[i], 2e-6);
            Assert.Equal(0, Fenced.Read(dq)[i], 2e-6);
            Assert.Equal(0, Fenced.Read(dk)[i], 2e-6);
        }
    }

    internal static OpCase Case(AttentionCase @case) => new($"{@case}", @case.Scale == 0 ? 3e-6 : 1e-4, fenced =>
    {
        Tensor q = fenced.Normal(@case.QueryShape), k = fenced.Normal(@case.KeyShape), v = fenced.Normal(@case.KeyShape), dy = fenced.Normal(@case.QueryShape);
        Tensor dq = fenced.New(q.Shape), dk = fenced.New(k.Shape), dv = fenced.New(k.Shape);
        var mask = @case.Mask(fenced);
        Tensor? dBias = mask.Bias is null ? null : fenced.Normal(@case.BiasShape);
        double[]? bias = mask.Bias is { } added ? Fenced.Read(added) : null, expected = dBias is { } sum ? Fenced.Read(sum) : null;
        var (weights, sums) = @case.Weigh(Fenced.Read(q), Fenced.Read(k), bias);
        Tensor y = fenced.Given(q.Shape, @case.Average(weights, Fenced.Read(v))), logSumExp = fenced.Of([@case.Batch, @case.Heads, @case.Queries], [.. sums.Select(sum => (float)sum)]);
        var gradients = @case.Gradients(Fenced.Read(q), Fenced.Read(k), Fenced.Read(v), bias, Fenced.Read(dy), expected);
        Action run = () => fenced.Backend.AttentionBackward(q, k, v, y, logSumExp, dy, dq, dk, dv, @case.Heads, @case.Factor, mask, dBias);
        (Tensor, double[])[] outputs = [(dq, gradients.Dq), (dk, gradients.Dk), (dv, gradients.Dv)];
        return new(run, dBias is { } tensor ? [.. outputs, (tensor, expected!)] : outputs) { Rounded = Rounded };

        double[][] Rounded(DType type)
        {
            var (roundedQ, roundedK, roundedV) = @case.RoundedGradients(Fenced.Read(q), Fenced.Read(k), Fenced.Read(v), bias, Fenced.Read(y), Fenced.Read(dy), type);
            return [roundedQ, roundedK, roundedV];
        }
    });
}
