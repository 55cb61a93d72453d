namespace PeaEngine.Tests.Ops;

public class TimestepEmbeddingTests : OpTests<TimestepEmbeddingTests>, IOpCases
{
    // A single's rounding of an angle near 1000 is 3e-5, and the reference has it as well.
    public static IEnumerable<OpCase> Cases =>
        from dim in (int[])[2, 5, 256, 320]
        from flip in (bool[])[false, true]
        from shift in (float[])[0, 0.5f, 1]
        where dim / 2 > shift
        select new OpCase($"{dim} {flip} {shift}", 1e-4, fenced =>
        {
            float[] values = [0, 1, 37.5f, 511, 999, 1024];
            Tensor x = fenced.Of([values.Length], values), y = fenced.New([values.Length, dim]);
            var half = dim / 2;
            var expected = new double[values.Length * dim];
            for (var row = 0; row < values.Length; row++)
                for (var i = 0; i < half; i++)
                {
                    var angle = values[row] * Math.Pow(10000, -i / (half - (double)shift));
                    expected[row * dim + i] = flip ? Math.Cos(angle) : Math.Sin(angle);
                    expected[row * dim + half + i] = flip ? Math.Sin(angle) : Math.Cos(angle);
                }
            return new(() => fenced.Backend.TimestepEmbedding(x, y, flip, shift), y, expected);
        });
}
