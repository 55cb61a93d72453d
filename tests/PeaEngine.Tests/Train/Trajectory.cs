using System.Text.Json;
using PeaEngine.Train;

namespace PeaEngine.Tests.Train;

/// <summary>What a run did, step by step.</summary>
static class Trajectory
{
    /// <summary>One number of every step.</summary>
    public static double[] Numbers(RunFolder run, string name) => [.. File.ReadLines(run.Metrics).Select(line =>
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty(name).GetDouble();
    })];

    /// <summary>
    /// That two runs are the same but for the order of sums over a batch: the first step's numbers differ by the rounding of F32, later ones by what the
    /// steps before have made of it; the change of the adapter, as a vector, by a thousandth at most, as the golden trajectories.
    /// </summary>
    /// <param name="initial">The adapter that both began with.</param>
    /// <param name="expected">The one run.</param>
    /// <param name="actual">The other.</param>
    public static void AssertSame(string initial, RunFolder expected, RunFolder actual)
    {
        foreach (var name in (string[])["loss", "loss_diffusion", "loss_logits", "loss_features", "grad_norm"])
        {
            var (e, a) = (Numbers(expected, name), Numbers(actual, name));
            Assert.Equal(e.Length, a.Length);
            for (var i = 0; i < e.Length; i++) Assert.True(Math.Abs(a[i] - e[i]) <= (i == 0 ? 1e-5 : 1e-3) * e[i], $"step {i + 1}: {name} {a[i]}, expected {e[i]}");
        }
        using GoldenTensors from = GoldenTensors.Open(initial), to = GoldenTensors.Open(expected.Adapter), reached = GoldenTensors.Open(actual.Adapter);
        double error = 0, change = 0;
        foreach (var name in to.Names)
            foreach (var (before, (wanted, given)) in from[name].Values.Zip(to[name].Values.Zip(reached[name].Values)))
                (error, change) = (error + Math.Pow((double)given - wanted, 2), change + Math.Pow((double)wanted - before, 2));
        Assert.InRange(Math.Sqrt(error / change), 0, 1e-3);
    }
}
