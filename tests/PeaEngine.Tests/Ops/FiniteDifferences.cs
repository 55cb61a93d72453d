namespace PeaEngine.Tests.Ops;

/// <summary>Gradients without calculus: what a backward op has to agree with.</summary>
public static class FiniteDifferences
{
    // The best of both errors: of the formula, with the square of the step, and of rounding, with its inverse.
    const double Step = 1e-5;

    /// <summary>The central differences of <paramref name="loss"/> in every element of <paramref name="at"/>, good to some nine digits.</summary>
    public static double[] Of(Func<double[], double> loss, double[] at)
    {
        var (gradient, moved) = (new double[at.Length], at.ToArray());
        for (var i = 0; i < at.Length; i++)
        {
            double up = moved[i] = at[i] + Step, above = loss(moved), down = moved[i] = at[i] - Step;
            gradient[i] = (above - loss(moved)) / (up - down);
            moved[i] = at[i];
        }
        return gradient;
    }
}
