namespace PeaEngine.Tests.Ops;

public class RmsNormBackwardTests : OpTests<RmsNormBackwardTests>, IOpCases
{
    const float Epsilon = 1e-6f;

    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in ((int, int)[])[(70, 63), (77, 768), (40, 2048), (9, 65), (1100, 31)]
           from residual in (bool[])[false, true]
           from inPlace in (bool[])[false, true]
           // Far from zero too: nothing is taken off x. Tiny values show the epsilon.
           from scale in (double[])[1, 100, 1e-3]
           select new OpCase($"{shape} scale {scale}{(residual ? " residual" : "")}{(inPlace ? " in place" : "")}", 3e-6,
               fenced => Set(fenced, shape, scale, residual, inPlace, parameters: residual != inPlace, differences: false)),
        .. from shape in ((int, int)[])[(1, 2), (3, 5), (2, 33), (7, 16)]
           select new OpCase($"{shape} by differences", 3e-6, fenced => Set(fenced, shape, 0.5, residual: true, inPlace: false, parameters: true, differences: true)),
    ];

    static OpRun Set(Fenced fenced, (int Rows, int C) shape, double scale, bool residual, bool inPlace, bool parameters, bool differences)
    {
        var (rows, c) = shape;
        Tensor x = fenced.Normal([1, rows, c], scale, 2 * scale), gamma = fenced.Normal([c], 1, 0.2), dy = fenced.Normal(x.Shape), dGamma = fenced.Normal([c]);
        Tensor? r = residual ? fenced.Normal(x.Shape) : null;
        var dx = inPlace ? r ?? dy : fenced.New(x.Shape);
        double[] values = Fenced.Read(x), g = Fenced.Read(gamma), d = Fenced.Read(dy);
        double Loss(double[] x, double[] gamma) => NormReference.RmsNorm(x, gamma, Epsilon).Zip(d, (y, dy) => y * dy).Sum();
        var expected = differences
            ? (FiniteDifferences.Of(v => Loss(v, g), values), FiniteDifferences.Of(v => Loss(values, v), g))
            : NormReference.RmsNormBackward(values, g, d, Epsilon);
        if (r is { } tensor) expected.Item1 = Reference.Sum(expected.Item1, Fenced.Read(tensor));
        if (!parameters) return new(() => fenced.Backend.RmsNormBackward(x, gamma, dy, dx, Epsilon, r), dx, expected.Item1);
        return new(() => fenced.Backend.RmsNormBackward(x, gamma, dy, dx, Epsilon, r, dGamma),
            (dx, expected.Item1), (dGamma, Reference.Sum(Fenced.Read(dGamma), expected.Item2)));
    }
}
