namespace PeaEngine.Tests.Ops;

public class GateBackwardTests : OpTests<GateBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int Rows, int N)[])[(1, 1), (2, 33), (3, 5), (70, 129), (3, 40), (9, 5120)]
        from activation in (Activation[])[Activation.Gelu, Activation.GeluTanh, Activation.Silu]
        from inPlace in (bool[])[false, true]
        select new OpCase($"{shape} {activation}{(inPlace ? " in place" : "")}", 1e-6, fenced =>
        {
            var (rows, n) = shape;
            Tensor h = fenced.Normal([1, rows, 2 * n], deviation: 3), dy = fenced.Normal([1, rows, n]), dh = inPlace ? h : fenced.New(h.Shape);
            double[] values = Fenced.Read(h), d = Fenced.Read(dy);
            double Loss(double[] h)
            {
                double sum = 0;
                for (var i = 0; i < d.Length; i++) sum += d[i] * h[Value(i)] * Reference.Activate(h[Value(i) + n], activation);
                return sum;
            }
            int Value(int i) => i / n * 2 * n + i % n;
            double[] expected;
            if (rows * n < 100) expected = FiniteDifferences.Of(Loss, values);
            else
            {
                expected = new double[values.Length];
                for (var i = 0; i < d.Length; i++)
                {
                    double value = values[Value(i)], gate = values[Value(i) + n];
                    expected[Value(i)] = d[i] * Reference.Activate(gate, activation);
                    expected[Value(i) + n] = d[i] * value * Reference.Derivative(gate, activation);
                }
            }
            return new(() => fenced.Backend.GateBackward(h, dy, dh, activation), dh, expected);
        });
}
