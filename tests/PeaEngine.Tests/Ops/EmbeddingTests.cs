namespace PeaEngine.Tests.Ops;

public class EmbeddingTests : OpTests<EmbeddingTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from table in (DType[])[DType.F32, DType.F16, DType.BF16]
        from positions in (DType?[])[null, DType.F32, DType.F16, DType.BF16]
        from shape in ((int B, int T, int C)[])[(2, 7, 33), (3, 20, 768)]
        select new OpCase($"{table} {positions} {shape}", 1e-7, fenced =>
        {
            const int Vocabulary = 50;
            var (b, t, c) = shape;
            Tensor x = fenced.Normal([Vocabulary, c], dtype: table), ids = fenced.New([b, t], DType.I32), y = fenced.New([b, t, c]);
            Tensor? p = positions is { } dtype ? fenced.Normal([t + 3, c], dtype: dtype) : null;
            for (var i = 0; i < b * t; i++) ids.AsSpan<int>()[i] = i * 13 % Vocabulary;
            double[] rows = Fenced.Read(x), added = p is { } tensor ? Fenced.Read(tensor) : new double[t * c];
            var expected = new double[b * t * c];
            for (var i = 0; i < expected.Length; i++) expected[i] = rows[i / c * 13 % Vocabulary * c + i % c] + added[i / c % t * c + i % c];
            return new(() => fenced.Backend.Embedding(ids, x, p, y), y, expected);
        });
}
