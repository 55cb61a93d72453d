namespace PeaEngine.Tests.Ops;

public class SquaredErrorBackwardTests : OpTests<SquaredErrorBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int B, int H, int W, int C)[])[(1, 1, 1, 1), (3, 2, 3, 5), (3, 5, 7, 4), (2, 4, 4, 5), (2, 33, 31, 65), (5, 64, 64, 4)]
        from add in (bool[])[false, true]
        select new OpCase($"{shape}{(add ? " added" : "")}", 1e-6, fenced =>
        {
            var batch = shape.B;
            Tensor a = fenced.Normal([batch, shape.H, shape.W, shape.C], 0.3), b = fenced.Normal(a.Shape), scale = fenced.Normal([batch]);
            var dx = add ? fenced.Normal(a.Shape) : fenced.New(a.Shape);
            double[] x = Fenced.Read(a), target = Fenced.Read(b), weights = Fenced.Read(scale);
            var size = x.Length / batch;
            double Loss(double[] x) => SquaredErrorTests.Mean(x, target, batch).Zip(weights, (y, weight) => y * weight).Sum();
            var gradient = x.Length < 100 ? FiniteDifferences.Of(Loss, x) : [.. x.Select((value, i) => weights[i / size] * 2 / size * (value - target[i]))];
            return new(() => fenced.Backend.SquaredErrorBackward(a, b, scale, dx, add), dx, add ? Reference.Sum(Fenced.Read(dx), gradient) : gradient);
        });
}
