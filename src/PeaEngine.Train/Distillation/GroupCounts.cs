using PeaEngine.Train.Processes;

namespace PeaEngine.Train.Distillation;

/// <summary>How many samples a step has, over all processes and passes: what means are over.</summary>
/// <param name="Count">All of them.</param>
/// <param name="Taught">Those with a teacher.</param>
readonly record struct GroupCounts(int Count, int Taught)
{
    /// <summary>Of one process's samples.</summary>
    public static GroupCounts Of(DistillationBatch batch, DistillationOptions options) => new(batch.Count, Enumerable.Range(0, batch.Count).Count(i => options.IsTaught(batch, i)));

    /// <summary>Of all processes together.</summary>
    /// <exception cref="AgreedCancellationException">One of them was cancelled.</exception>
    public GroupCounts Over(ProcessGroup processes)
    {
        processes.Agree();
        Span<double> counts = [Count, Taught];
        processes.Sum(counts);
        return new((int)counts[0], (int)counts[1]);
    }
}
