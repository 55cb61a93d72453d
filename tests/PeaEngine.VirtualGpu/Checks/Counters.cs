namespace PeaEngine.VirtualGpu.Checks;

/// <summary>What a launch did. All counts are of warps' instructions unless they say otherwise.</summary>
public sealed class Counters
{
    /// <summary>Instructions that warps executed.</summary>
    public long Instructions;

    /// <summary>Matrix products: <c>mma.sync</c>.</summary>
    public long Mma;

    /// <summary>Multiplications and additions of matrix products, of all lanes together.</summary>
    public long MmaFlops;

    /// <summary>Branches at which lanes parted.</summary>
    public long DivergentBranches;

    /// <summary>Loads, stores and copies in global memory, and the 32-byte sectors that they touched.</summary>
    public long GlobalRequests, GlobalSectors;

    /// <summary>Bytes that lanes asked of global memory, each lane's own.</summary>
    public long GlobalBytes;

    /// <summary>Loads and stores in shared memory, the passes that the 32 banks need for them, and those more than without conflicts.</summary>
    public long SharedRequests, SharedPasses, SharedConflicts;

    /// <summary>The share of <see cref="Instructions"/> that are matrix products.</summary>
    public double MmaShare => Instructions == 0 ? 0 : (double)Mma / Instructions;

    /// <summary>Sectors touched for each that the bytes asked for would fill.</summary>
    public double SectorsPerIdeal => GlobalBytes == 0 ? 1 : GlobalSectors * 32.0 / GlobalBytes;

    /// <summary>Adds another's counts.</summary>
    public void Add(Counters other)
    {
        Instructions += other.Instructions;
        Mma += other.Mma;
        MmaFlops += other.MmaFlops;
        DivergentBranches += other.DivergentBranches;
        GlobalRequests += other.GlobalRequests;
        GlobalSectors += other.GlobalSectors;
        GlobalBytes += other.GlobalBytes;
        SharedRequests += other.SharedRequests;
        SharedPasses += other.SharedPasses;
        SharedConflicts += other.SharedConflicts;
    }
}
