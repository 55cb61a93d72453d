namespace PeaEngine.Train.Processes;

/// <summary>
/// The processes that train together, each with the same parameters and its own part of every batch. Whatever one of them calls here, all call, in
/// the same order. Its functions are called by one thread at a time.
/// </summary>
public abstract class ProcessGroup : IPeers, IDisposable
{
    /// <summary>The group of one.</summary>
    public static ProcessGroup Alone { get; } = new AloneGroup();

    /// <summary>Which one this is, from 0. The first alone writes files.</summary>
    public abstract int Rank { get; }

    /// <summary>How many there are.</summary>
    public abstract int Count { get; }

    /// <summary>Which one this is, from 0, of those on the same machine.</summary>
    public abstract int LocalRank { get; }

    /// <summary>Whether this is the one that writes files and talks.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>The processors that are this process's own: those it may run on, shared with the processes that may run on the same; 1 or more.</summary>
    public abstract int Processors { get; }

    /// <summary>The group that the launcher made, by MPI; without a launcher <see cref="Alone"/>, and nothing is loaded.</summary>
    /// <exception cref="PeaException">There is a launcher but no Open MPI, or one that does not know the launcher.</exception>
    public static ProcessGroup Join() => Launcher.Count(Environment.GetEnvironmentVariable) is { } count ? new MpiProcessGroup(count) : Alone;

    /// <summary>The MPI that processes would meet by, such as <c>Open MPI v4.1.4</c>; null where there is none.</summary>
    /// <exception cref="PeaException">It is none that is known here.</exception>
    public static string? MpiVersion() => OpenMpi.Find()?.Version();

    /// <summary>Replaces the values by their sums over all processes, the same bits for each.</summary>
    public abstract void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    public abstract void Sum(Span<double> values);

    /// <summary>Ends all processes at once, this one too; it does not return, unless this one is alone.</summary>
    /// <param name="exitCode">What the launcher is told.</param>
    public abstract void Abort(int exitCode);

    /// <summary>Waits for the others; then all go on, or all are cancelled.</summary>
    /// <exception cref="AgreedCancellationException">One of them has called <see cref="Cancel"/> instead.</exception>
    public void Agree()
    {
        Span<double> cancelled = [0];
        Sum(cancelled);
        if (cancelled[0] > 0) throw new AgreedCancellationException();
    }

    /// <summary>Called in the place of the next <see cref="Agree"/> by a process that was cancelled.</summary>
    public void Cancel() => Sum([1.0]);

    /// <summary>As messages name this process.</summary>
    public override string ToString() => $"rank {Rank} of {Count}";

    /// <summary>Leaves the group when all others do.</summary>
    public abstract void Dispose();

    sealed class AloneGroup : ProcessGroup
    {
        public override int Rank => 0;

        public override int Count => 1;

        public override int LocalRank => 0;

        public override int Processors => Environment.ProcessorCount;

        public override void Sum(Span<float> values) { }

        public override void Sum(Span<double> values) { }

        public override void Abort(int exitCode) { }

        public override void Dispose() { }
    }
}
