namespace PeaEngine.Tests.Cuda;

/// <summary>What a 16-bit type costs on a GPU, beside what it costs on <see cref="RoundedBackend"/>.</summary>
static class RoundedErrors
{
    /// <summary>The root mean square of each error over several runs of the oracle: of one run, an error of a single number may be next to nothing by chance.</summary>
    public static IReadOnlyList<(string Name, double Error)> Over(params IReadOnlyList<IReadOnlyList<(string Name, double Error)>> runs) =>
        [.. runs[0].Select((one, i) => (one.Name, Math.Sqrt(runs.Average(run => run[i].Error * run[i].Error))))];

    /// <summary>Each error is at most twice the oracle's: both round at the same places, but not the same sums.</summary>
    public static void AssertTwiceAtMost(IReadOnlyList<(string Name, double Error)> oracle, IReadOnlyList<(string Name, double Error)> device)
    {
        Assert.Equal(oracle.Select(one => one.Name), device.Select(one => one.Name));
        foreach (var ((name, expected), (_, actual)) in oracle.Zip(device))
        {
            Assert.True(double.IsFinite(expected), $"{name}: not finite where activations are rounded");
            if (!(actual <= 2 * expected)) Assert.Fail($"{name}: error {actual:g3} of the largest value, {actual / expected:g3} times the oracle's {expected:g3}, expected at most twice");
        }
    }
}
