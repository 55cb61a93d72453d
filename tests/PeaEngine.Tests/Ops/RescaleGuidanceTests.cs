namespace PeaEngine.Tests.Ops;

public class RescaleGuidanceTests : OpTests<RescaleGuidanceTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int B, int H, int W, int C)[])[(1, 1, 2, 1), (3, 5, 7, 4), (2, 64, 64, 4)]
        from phi in (float[])[0, 0.7f, 1]
        select new OpCase($"{shape} {phi}", 1e-6, fenced =>
        {
            Tensor noise = fenced.Normal([shape.B, shape.H, shape.W, shape.C], 0.5, 3), text = fenced.Normal(noise.Shape, -1, 2);
            var size = shape.H * shape.W * shape.C;
            double[] n = Fenced.Read(noise), t = Fenced.Read(text);
            var expected = new double[n.Length];
            for (var b = 0; b < shape.B; b++)
            {
                var factor = phi * Deviation(t[(b * size)..((b + 1) * size)]) / Deviation(n[(b * size)..((b + 1) * size)]) + 1 - phi;
                for (var i = b * size; i < (b + 1) * size; i++) expected[i] = n[i] * factor;
            }
            return new(() => fenced.Backend.RescaleGuidance(noise, text, phi), noise, expected);
        });

    static double Deviation(double[] x)
    {
        var mean = x.Average();
        return Math.Sqrt(x.Sum(value => (value - mean) * (value - mean)) / (x.Length - 1));
    }
}
