namespace PeaEngine.Tests.Ops;

public class LayerNormBackwardTests : OpTests<LayerNormBackwardTests>, IOpCases
{
    const float Epsilon = 1e-5f;

    public static IEnumerable<OpCase> Cases =>
    [
        .. from shape in ((int, int)[])[(70, 63), (77, 768), (40, 1280), (2, 1288), (9, 65), (1100, 31)]
           from residual in (bool[])[false, true]
           from inPlace in (bool[])[false, true]
           from mean in (double[])[0, 100]
           // Far from zero the digits of x itself are what is left of the deviations.
           select new OpCase($"{shape} mean {mean}{(residual ? " residual" : "")}{(inPlace ? " in place" : "")}", mean == 0 ? 3e-6 : 2e-5,
               fenced => Set(fenced, shape, mean, residual, inPlace, parameters: residual != inPlace, differences: false)),
        // Two values or one have no gradient that the epsilon did not make, and nothing could be relative to it.
        .. from shape in ((int, int)[])[(1, 3), (3, 5), (2, 33), (7, 16)]
           select new OpCase($"{shape} by differences", 3e-6, fenced => Set(fenced, shape, 0.5, residual: true, inPlace: false, parameters: true, differences: true)),
    ];

    static OpRun Set(Fenced fenced, (int Rows, int C) shape, double mean, bool residual, bool inPlace, bool parameters, bool differences)
    {
        var (rows, c) = shape;
        Tensor x = fenced.Normal([1, rows, c], mean, 2), gamma = fenced.Normal([c], 1, 0.2), dy = fenced.Normal(x.Shape), dGamma = fenced.Normal([c]), dBeta = fenced.Normal([c]);
        Tensor? r = residual ? fenced.Normal(x.Shape) : null;
        var dx = inPlace ? r ?? dy : fenced.New(x.Shape);
        double[] values = Fenced.Read(x), g = Fenced.Read(gamma), d = Fenced.Read(dy), zeros = new double[c];
        double Loss(double[] x, double[] gamma, double[] beta) => NormReference.LayerNorm(x, gamma, beta, Epsilon).Zip(d, (y, dy) => y * dy).Sum();
        var expected = differences
            ? (FiniteDifferences.Of(v => Loss(v, g, zeros), values), FiniteDifferences.Of(v => Loss(values, v, zeros), g), FiniteDifferences.Of(v => Loss(values, g, v), zeros))
            : NormReference.LayerNormBackward(values, g, d, Epsilon);
        if (r is { } tensor) expected.Item1 = Reference.Sum(expected.Item1, Fenced.Read(tensor));
        if (!parameters) return new(() => fenced.Backend.LayerNormBackward(x, gamma, dy, dx, Epsilon, r), dx, expected.Item1);
        return new(() => fenced.Backend.LayerNormBackward(x, gamma, dy, dx, Epsilon, r, dGamma, dBeta),
            (dx, expected.Item1), (dGamma, Reference.Sum(Fenced.Read(dGamma), expected.Item2)), (dBeta, Reference.Sum(Fenced.Read(dBeta), expected.Item3)));
    }
}
