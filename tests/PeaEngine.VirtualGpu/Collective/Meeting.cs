using PeaEngine.VirtualGpu.Driver;

namespace PeaEngine.VirtualGpu.Collective;

/// <summary>The devices that have the same id: each gives its values, and all get the sums.</summary>
sealed class Meeting
{
    /// <summary>Whoever waits longer waits for one that does not come.</summary>
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    readonly Lock gate = new();
    VirtualContext?[] members = [];
    float[][] given = [];
    Barrier? barrier;
    string? refusal;

    /// <summary>Returns when all have come; where one of them must not, it throws for all.</summary>
    public void Join(int rank, int count, VirtualContext context)
    {
        lock (gate)
        {
            if (barrier == null) (members, given, barrier) = (new VirtualContext?[count], new float[count][], new(count));
            refusal ??= count != members.Length ? $"{count} ranks, others say {members.Length}"
                : (uint)rank >= (uint)count || members[rank] != null ? $"rank {rank} of {count}, which is there already or none"
                : members.Contains(context) ? "Duplicate GPU detected" : null;
            if (refusal == null) members[rank] = context;
        }
        Meet();
        if (refusal != null) throw new ArgumentException(refusal);
    }

    /// <summary>The sums, added in the order of the ranks.</summary>
    public float[] Sum(int rank, float[] values)
    {
        given[rank] = values;
        Meet();
        if (Array.Find(given, other => other.Length != values.Length) is { } wrong) throw new ArgumentException($"rank {rank} sums {values.Length} elements, another {wrong.Length}");
        var sums = (float[])given[0].Clone();
        foreach (var other in given.AsSpan(1))
            for (var i = 0; i < sums.Length; i++) sums[i] += other[i];
        // Nobody gives new values before all have read these.
        Meet();
        return sums;
    }

    void Meet()
    {
        if (!barrier!.SignalAndWait(Limit)) throw new TimeoutException("the others have not come");
    }
}
