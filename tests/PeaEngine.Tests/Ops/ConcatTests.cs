namespace PeaEngine.Tests.Ops;

public class ConcatTests : OpTests<ConcatTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Rows, int A, int B)[])[(1, 1, 1), (7, 3, 5), (300, 64, 129), (5, 20_000, 1), (3, 40, 16), (3, 5, 16)]
        select new OpCase($"{shape}", 0, fenced =>
        {
            Tensor a = fenced.Normal([1, shape.Rows, shape.A]), b = fenced.Normal([1, shape.Rows, shape.B]), y = fenced.New([1, shape.Rows, shape.A + shape.B]);
            double[] pa = Fenced.Read(a), pb = Fenced.Read(b);
            var expected = Enumerable.Range(0, shape.Rows).SelectMany(row => pa.Skip(row * shape.A).Take(shape.A).Concat(pb.Skip(row * shape.B).Take(shape.B)));
            return new(() => fenced.Backend.Concat(a, b, y), y, [.. expected]);
        });
}
