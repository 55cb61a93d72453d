namespace PeaEngine.Diffusion.Schedulers;

/// <summary>The beta distribution with both shape parameters 0.6, that of <c>use_beta_sigmas</c>.</summary>
static class BetaDistribution
{
    const double Shape = 0.6;

    // 1 / B(0.6, 0.6) with B(a, b) = Γ(a) Γ(b) / Γ(a + b)
    const double Normalisation = 0.9181687423997604 / (1.4891922488128169 * 1.4891922488128169);

    /// <summary>The x below which a share of <paramref name="probability"/> lies.</summary>
    public static double Quantile(double probability)
    {
        if (probability <= 0) return 0;
        if (probability >= 1) return 1;
        if (probability > 0.5) return 1 - Quantile(1 - probability);
        double low = 0, high = 0.5;
        for (var i = 0; i < 200 && high - low > 1e-16 * high; i++)
        {
            var middle = (low + high) / 2;
            if (Cumulative(middle) < probability) low = middle;
            else high = middle;
        }
        return (low + high) / 2;
    }

    // x^a / (a B) · Σ (1 − b)_n a / (n! (a + n)) xⁿ, which converges as fast as 2⁻ⁿ for x up to a half.
    static double Cumulative(double x)
    {
        double sum = 0, factor = 1;
        for (var n = 0; n < 80; n++)
        {
            sum += factor / (Shape + n);
            factor *= (n + 1 - Shape) / (n + 1) * x;
        }
        return Math.Pow(x, Shape) * Normalisation * sum;
    }
}
