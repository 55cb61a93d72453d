namespace PeaEngine.Tests.Ops;

/// <summary>Norms and their gradients in double precision, as their definitions have them.</summary>
static class NormReference
{
    /// <summary>torch's group_norm of x [batch, .., C], then SiLU if asked.</summary>
    public static double[] GroupNorm(double[] x, double[] gamma, double[] beta, int batch, int groups, double epsilon, bool silu)
    {
        var y = new double[x.Length];
        ForEachGroup(x.Length, gamma.Length, batch, groups, at =>
        {
            var (mean, rstd) = Statistics(x, at, epsilon);
            foreach (var i in at)
            {
                y[i] = (x[i] - mean) * rstd * gamma[i % gamma.Length] + beta[i % gamma.Length];
                if (silu) y[i] = Reference.Activate(y[i], Activation.Silu);
            }
        });
        return y;
    }

    /// <summary>The gradients of <see cref="GroupNorm"/>.</summary>
    public static (double[] Dx, double[] DGamma, double[] DBeta) GroupNormBackward(double[] x, double[] gamma, double[] beta, double[] dy, int batch, int groups,
        double epsilon, bool silu)
    {
        var c = gamma.Length;
        double[] dx = new double[x.Length], dGamma = new double[c], dBeta = new double[c];
        ForEachGroup(x.Length, c, batch, groups, at =>
        {
            var (mean, rstd) = Statistics(x, at, epsilon);
            double sum = 0, product = 0;
            foreach (var i in at)
            {
                double normal = (x[i] - mean) * rstd, dz = dy[i] * (silu ? Reference.Derivative(normal * gamma[i % c] + beta[i % c], Activation.Silu) : 1);
                dGamma[i % c] += dz * normal;
                dBeta[i % c] += dz;
                dx[i] = dz * gamma[i % c];
                sum += dx[i];
                product += dx[i] * normal;
            }
            foreach (var i in at) dx[i] = rstd * (dx[i] - sum / at.Length - (x[i] - mean) * rstd * product / at.Length);
        });
        return (dx, dGamma, dBeta);
    }

    /// <summary>torch's layer_norm over the last dimension: every row is a sample of one group.</summary>
    public static double[] LayerNorm(double[] x, double[] gamma, double[] beta, double epsilon) =>
        GroupNorm(x, gamma, beta, x.Length / gamma.Length, 1, epsilon, silu: false);

    /// <summary>The gradients of <see cref="LayerNorm"/>.</summary>
    public static (double[] Dx, double[] DGamma, double[] DBeta) LayerNormBackward(double[] x, double[] gamma, double[] dy, double epsilon) =>
        GroupNormBackward(x, gamma, new double[gamma.Length], dy, x.Length / gamma.Length, 1, epsilon, silu: false);

    /// <summary>T5's norm over the last dimension.</summary>
    public static double[] RmsNorm(double[] x, double[] gamma, double epsilon)
    {
        var c = gamma.Length;
        var y = new double[x.Length];
        for (var row = 0; row < x.Length; row += c)
        {
            var factor = InverseRootMeanSquare(x, row, c, epsilon);
            for (var i = 0; i < c; i++) y[row + i] = x[row + i] * factor * gamma[i];
        }
        return y;
    }

    /// <summary>The gradients of <see cref="RmsNorm"/>.</summary>
    public static (double[] Dx, double[] DGamma) RmsNormBackward(double[] x, double[] gamma, double[] dy, double epsilon)
    {
        var c = gamma.Length;
        double[] dx = new double[x.Length], dGamma = new double[c];
        for (var row = 0; row < x.Length; row += c)
        {
            double factor = InverseRootMeanSquare(x, row, c, epsilon), product = 0;
            for (var i = 0; i < c; i++)
            {
                dGamma[i] += dy[row + i] * x[row + i] * factor;
                product += dy[row + i] * gamma[i] * x[row + i];
            }
            for (var i = 0; i < c; i++) dx[row + i] = factor * (dy[row + i] * gamma[i] - x[row + i] * factor * factor * product / c);
        }
        return (dx, dGamma);
    }

    static double InverseRootMeanSquare(double[] x, int start, int count, double epsilon)
    {
        double squares = 0;
        for (var i = start; i < start + count; i++) squares += x[i] * x[i];
        return 1 / Math.Sqrt(squares / count + epsilon);
    }

    static (double Mean, double Rstd) Statistics(double[] x, int[] at, double epsilon)
    {
        double sum = 0, squares = 0;
        foreach (var i in at) sum += x[i];
        var mean = sum / at.Length;
        foreach (var i in at) squares += (x[i] - mean) * (x[i] - mean);
        return (mean, 1 / Math.Sqrt(squares / at.Length + epsilon));
    }

    // The elements of every sample's every group.
    static void ForEachGroup(int elements, int c, int batch, int groups, Action<int[]> handle)
    {
        int pixels = elements / batch / c, per = c / groups;
        var at = new int[pixels * per];
        for (var sample = 0; sample < batch; sample++)
            for (var group = 0; group < groups; group++)
            {
                for (var i = 0; i < at.Length; i++) at[i] = (sample * pixels + i / per) * c + group * per + i % per;
                handle(at);
            }
    }
}
