using PeaEngine.Train.Processes;

namespace PeaEngine.Tests.Train.Processes;

/// <summary>Threads of this process as a group, each with an object of its own.</summary>
sealed class ThreadGroup : ProcessGroup
{
    /// <summary>Whoever waits longer waits for what does not come.</summary>
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    readonly Barrier barrier;
    readonly double[][] given;
    readonly int rank;

    ThreadGroup(Barrier barrier, double[][] given, int rank) => (this.barrier, this.given, this.rank) = (barrier, given, rank);

    /// <summary>Called with the number of sums so far, before another.</summary>
    public Action<int>? BeforeSum { get; set; }

    /// <summary>How many sums this one took part in.</summary>
    public int Sums { get; private set; }

    public override int Rank => rank;

    public override int Count => given.Length;

    public override int LocalRank => rank;

    public override int Processors => 1;

    /// <summary>So many of them.</summary>
    public static ThreadGroup[] Create(int count)
    {
        var (barrier, given) = (new Barrier(count), new double[count][]);
        return [.. Enumerable.Range(0, count).Select(rank => new ThreadGroup(barrier, given, rank))];
    }

    public override void Sum(Span<float> values)
    {
        var sums = new double[values.Length];
        for (var i = 0; i < values.Length; i++) sums[i] = values[i];
        Sum(sums.AsSpan());
        for (var i = 0; i < values.Length; i++) values[i] = (float)sums[i];
    }

    public override void Sum(Span<double> values)
    {
        BeforeSum?.Invoke(Sums++);
        given[rank] = values.ToArray();
        Meet();
        for (var i = 0; i < values.Length; i++) values[i] = given.Sum(others => others[i]);
        Meet();
    }

    public override void Abort(int exitCode) => throw new NotSupportedException();

    public override void Dispose() => barrier.Dispose();

    void Meet()
    {
        if (!barrier.SignalAndWait(Limit)) throw new TimeoutException($"{this}: the others have not come to sum {Sums}");
    }
}
