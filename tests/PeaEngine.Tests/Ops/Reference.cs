namespace PeaEngine.Tests.Ops;

/// <summary>Elementwise functions in double precision.</summary>
static class Reference
{
    public static double Activate(double x, Activation activation) => activation switch
    {
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Gelu => x * Normal(x),
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        Activation.QuickGelu => x / (1 + Math.Exp(-1.702 * x)),
        _ => x,
    };

    /// <summary>The activation's derivative.</summary>
    public static double Derivative(double x, Activation activation)
    {
        var c = Math.Sqrt(2 / Math.PI);
        return activation switch
        {
            Activation.Silu => Swish(x, x),
            Activation.Gelu => Normal(x) + x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI),
            Activation.GeluTanh => Swish(2 * c * (x + 0.044715 * x * x * x), 2 * c * (x + 3 * 0.044715 * x * x * x)),
            Activation.QuickGelu => Swish(1.702 * x, 1.702 * x),
            _ => 1,
        };

        // Of x · sigmoid(u), with x·u′.
        static double Swish(double u, double xTimesSlope)
        {
            var sigmoid = 1 / (1 + Math.Exp(-u));
            return sigmoid * (1 + xTimesSlope * (1 - sigmoid));
        }
    }

    /// <summary>The normal distribution's integral: the series of erf near zero, the continued fraction of erfc far out.</summary>
    public static double Normal(double x)
    {
        double a = Math.Abs(x) / Math.Sqrt(2), tail;
        if (a < 2)
        {
            double sum = a, term = a;
            for (var n = 1; n < 60; n++) sum += (term *= -a * a / n) / (2 * n + 1);
            tail = 0.5 - sum / Math.Sqrt(Math.PI);
        }
        else
        {
            var fraction = a;
            for (var n = 100; n > 0; n--) fraction = a + n / 2.0 / fraction;
            tail = Math.Exp(-a * a) / (2 * Math.Sqrt(Math.PI) * fraction);
        }
        return x < 0 ? tail : 1 - tail;
    }

    /// <summary>a + b</summary>
    public static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    /// <summary>x · weightᵀ + bias, for x [.., K] and weight [N, K].</summary>
    public static double[] Product(Tensor x, Tensor weight, Tensor? bias)
    {
        int m = x.Shape.Rows, n = weight.Shape[0], k = x.Shape[-1];
        double[] a = Fenced.Read(x), w = Fenced.Read(weight);
        var b = bias is { } tensor ? Fenced.Read(tensor) : new double[n];
        var y = new double[m * n];
        for (var i = 0; i < m; i++)
            for (var j = 0; j < n; j++)
            {
                var sum = b[j];
                for (var c = 0; c < k; c++) sum += a[i * k + c] * w[j * k + c];
                y[i * n + j] = sum;
            }
        return y;
    }
}
