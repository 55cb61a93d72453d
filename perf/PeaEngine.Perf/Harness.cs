using System.Diagnostics;
using PeaEngine.Backends;

namespace PeaEngine.Perf;

/// <summary>What was measured of one benchmark.</summary>
/// <param name="Benchmark">Which.</param>
/// <param name="Seconds">The median of a run.</param>
/// <param name="Peak">The machine's multiply-add peak, the best seen meanwhile, in 10⁹ operations a second.</param>
/// <param name="TorchSeconds">The rival's median, where there is one.</param>
/// <param name="Note">Which of its ways the rival took, or why it took none.</param>
sealed record Measurement(IBenchmark Benchmark, double Seconds, double Peak, double? TorchSeconds, string Note);

/// <summary>Measures in turns, ours and the rival's, so that both see the same machine; compares medians.</summary>
sealed class Harness(CpuBackend backend, TorchRival? rival)
{
    const int MinRounds = 3, MaxRounds = 15;
    const double SampleSeconds = 0.05, BudgetSeconds = 6;

    /// <summary>A run as long as this needs no other before it to be warm.</summary>
    const double LongSeconds = 1;

    // Threads of the rival's libraries spin for a while after their work; they are left to fall asleep before ours is timed, and ours before theirs.
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(80);

    public Measurement Measure(IBenchmark benchmark)
    {
        using var room = new Room(backend, backend.Threads);
        var run = benchmark.Set(room);
        var note = "";
        var other = rival != null && rival.Set(benchmark, out note) ? rival : null;

        var once = Time(run, 1, warm: true);
        if (benchmark.IsOnRequest) return new(benchmark, once, FmaPeak.Measure(backend), null, note);
        if (once < LongSeconds) once = Time(run, 1, warm: true);
        var (ourCount, isLong) = (Count(once), once > LongSeconds);
        var otherCount = other == null ? 0 : Count(other.Run(1, warm: true));
        var (ours, others, peaks) = (new List<double>(), new List<double>(), new List<double>());
        var start = Stopwatch.GetTimestamp();
        for (var round = 0; round < MaxRounds && (round < MinRounds || Stopwatch.GetElapsedTime(start).TotalSeconds < BudgetSeconds); round++)
        {
            Thread.Sleep(Pause);
            peaks.Add(FmaPeak.Measure(backend));
            ours.Add(Time(run, ourCount, warm: isLong) / ourCount);
            if (other == null) continue;
            Thread.Sleep(Pause);
            others.Add(other.Run(otherCount, warm: isLong) / otherCount);
        }
        return new(benchmark, Median(ours), peaks.Max(), other == null ? null : Median(others), note);
    }

    static int Count(double seconds) => Math.Clamp((int)(SampleSeconds / seconds), 1, 10_000);

    /// <summary>Seconds of <paramref name="count"/> runs, after one that is not counted unless all is warm.</summary>
    static double Time(Action run, int count, bool warm)
    {
        if (!warm) run();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++) run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }
}
