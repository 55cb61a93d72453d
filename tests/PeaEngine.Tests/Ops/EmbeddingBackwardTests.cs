namespace PeaEngine.Tests.Ops;

public class EmbeddingBackwardTests : OpTests<EmbeddingBackwardTests>, IOpCases
{
    const int Vocabulary = 50;

    // Sums of a few values in single precision: every id comes often, or some come twice, or all are the same.
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int B, int T, int C)[])[(1, 1, 1), (2, 7, 3), (3, 5, 33), (3, 20, 768), (4, 77, 130)]
        from stride in (int[])[13, 0]
        select new OpCase($"{shape} stride {stride}", 2e-6, fenced =>
        {
            var (batch, tokens, c) = shape;
            Tensor ids = fenced.New([batch, tokens], DType.I32), dy = fenced.Normal([batch, tokens, c]), dTable = fenced.Normal([Vocabulary, c]);
            for (var i = 0; i < batch * tokens; i++) ids.AsSpan<int>()[i] = Id(i);
            double[] d = Fenced.Read(dy), table = Fenced.Read(dTable);
            int Id(int token) => (token * stride + 7) % Vocabulary;
            double Loss(double[] table) => d.Select((value, i) => value * table[Id(i / c) * c + i % c]).Sum();
            double[] expected;
            if (d.Length < 100) expected = Reference.Sum(table, FiniteDifferences.Of(Loss, table));
            else
            {
                expected = table;
                for (var i = 0; i < d.Length; i++) expected[Id(i / c) * c + i % c] += d[i];
            }
            return new(() => fenced.Backend.EmbeddingBackward(ids, dy, dTable), dTable, expected);
        });
}
