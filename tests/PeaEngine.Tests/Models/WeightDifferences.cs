using System.Text.RegularExpressions;

namespace PeaEngine.Tests.Models;

/// <summary>Gradients of single weights against what a model's loss does when they are moved.</summary>
static partial class WeightDifferences
{
    // From far above a weight to far below it, a quarter of the former each.
    const double LargestStep = 0.5;
    const int Steps = 5;

    /// <summary>Compares, for one parameter of each kind, the largest element of the gradient with the limit of the loss's difference quotient.</summary>
    /// <param name="fixture">Where the parameters lie.</param>
    /// <param name="parameters">The model's.</param>
    /// <param name="gradients">Of all of them.</param>
    /// <param name="loss">Of the parameters as they are at the moment.</param>
    /// <param name="rounding">What arithmetic in singles makes the loss uncertain by.</param>
    public static void AssertMatch(ModelFixture fixture, IReadOnlyDictionary<string, Tensor> parameters, Gradients gradients, Func<double> loss, double rounding)
    {
        foreach (var (key, parameter) in parameters.GroupBy(pair => Index().Replace(pair.Key, "#")).Select(kind => kind.First()))
        {
            // A key bias's gradient is zero, and all that there is of it rounding.
            if (ParameterGradients.QueryBias(key) != null) continue;
            var values = fixture.Download(gradients.Of(parameter)!.Value);
            var at = Array.IndexOf(values, values.MaxBy(Math.Abs));
            double gradient = values[at];
            var (limit, error) = gradient == 0 ? (Quotient(parameter, at, LargestStep, loss), 0) : Ridders(step => Quotient(parameter, at, step, loss), rounding);
            Assert.True(error <= 0.2 * Math.Abs(gradient), $"{key} at {at}: {gradient}, but differences tell only {limit} ± {error}");
            // The estimate of the error is one, not a bound: a thousandth is left to the gradient.
            Assert.True(Math.Abs(limit - gradient) <= error + 1e-3 * Math.Abs(gradient), $"{key} at {at}: {gradient}, differences give {limit} ± {error}");
        }
    }

    /// <summary>
    /// The limit of a difference quotient for a step of zero, by Ridders' method: ever smaller steps and extrapolation from them, of which the best is taken
    /// by how far it moved from what it was made of and by how much of it is rounding.
    /// </summary>
    static (double Limit, double Error) Ridders(Func<double, double> quotient, double rounding)
    {
        var table = new double[Steps, Steps];
        var (limit, error) = (0.0, double.PositiveInfinity);
        for (var i = 0; i < Steps; i++)
        {
            var step = LargestStep / Math.Pow(4, i);
            table[0, i] = quotient(step);
            for (var j = 1; j <= i; j++)
            {
                var factor = Math.Pow(16, j);
                table[j, i] = (factor * table[j - 1, i] - table[j - 1, i - 1]) / (factor - 1);
                var moved = Math.Max(Math.Abs(table[j, i] - table[j - 1, i]), Math.Abs(table[j, i] - table[j - 1, i - 1])) + rounding / step;
                if (moved < error) (limit, error) = (table[j, i], moved);
            }
        }
        return (limit, error);
    }

    static double Quotient(Tensor parameter, int at, double step, Func<double> loss)
    {
        var value = Get(parameter, at);
        double up = Set(parameter, at, value + step), above = loss(), down = Set(parameter, at, value - step), below = loss();
        Set(parameter, at, value);
        return (above - below) / (up - down);
    }

    static double Get(Tensor tensor, int at) => tensor.DType == DType.F16 ? (double)tensor.AsSpan<Half>()[at] : tensor.AsSpan<float>()[at];

    /// <summary>Rounds the value to the tensor's type and gives what that made of it.</summary>
    static double Set(Tensor tensor, int at, double value)
    {
        if (tensor.DType == DType.F16) tensor.AsSpan<Half>()[at] = (Half)value;
        else tensor.AsSpan<float>()[at] = (float)value;
        return Get(tensor, at);
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Index();
}
