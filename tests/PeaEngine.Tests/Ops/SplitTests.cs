namespace PeaEngine.Tests.Ops;

public class SplitTests : OpTests<SplitTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Rows, int A, int B)[])[(1, 1, 1), (7, 3, 5), (300, 64, 129), (5, 20_000, 1), (3, 40, 16), (3, 5, 16)]
        select new OpCase($"{shape}", 0, fenced =>
        {
            var (rows, columns, others) = shape;
            Tensor x = fenced.Normal([1, rows, columns + others]), a = fenced.New([1, rows, columns]), b = fenced.New([1, rows, others]);
            var values = Fenced.Read(x).Chunk(columns + others).ToArray();
            return new(() => fenced.Backend.Split(x, a, b), (a, [.. values.SelectMany(row => row[..columns])]), (b, [.. values.SelectMany(row => row[columns..])]));
        });
}
