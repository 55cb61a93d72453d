using System.Diagnostics;

namespace PeaEngine.Perf;

/// <summary>Adds up the time of each op and shape: where a model's run goes.</summary>
sealed class ProfiledBackend(Backend inner) : ObservedBackend(inner)
{
    readonly Dictionary<(string Op, string Shape), (int Calls, double Seconds, double Flops)> times = [];

    /// <summary>Every op and shape with its calls, seconds and multiply-adds counted twice, the longest first.</summary>
    public IEnumerable<(string Op, string Shape, int Calls, double Seconds, double Flops)> Times =>
        times.Select(pair => (pair.Key.Op, pair.Key.Shape, pair.Value.Calls, pair.Value.Seconds, pair.Value.Flops)).OrderByDescending(row => row.Seconds);

    public void Reset() => times.Clear();

    protected override void Observe(in OpCall call, Action run)
    {
        var start = Stopwatch.GetTimestamp();
        run();
        var (calls, seconds, flops) = times.GetValueOrDefault((call.Op, call.Shape));
        times[(call.Op, call.Shape)] = (calls + 1, seconds + Stopwatch.GetElapsedTime(start).TotalSeconds, flops + call.Flops);
    }
}
