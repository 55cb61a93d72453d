using System.Globalization;

namespace PeaEngine.Train.Processes;

/// <summary>What the environment tells of whoever started the process.</summary>
static class Launcher
{
    /// <summary>What tells how many processes there are: Open MPI's mpirun, that of MPICH and its kin, Slurm's srun.</summary>
    static readonly string[] Counts = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];

    /// <summary>What tells which of the processes of its machine one is: Open MPI's mpirun, Slurm's srun, that of MPICH and its kin.</summary>
    static readonly string[] LocalRanks = ["OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID", "MPI_LOCALRANKID"];

    /// <summary>The number of processes that were started together; null for a process on its own, 0 where only MPI itself knows.</summary>
    /// <param name="variable">The environment.</param>
    public static int? Count(Func<string, string?> variable)
    {
        foreach (var name in Counts)
            if (int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return count > 1 ? count : null;
        // Other launchers with PMIx, which every Open MPI finds its processes by.
        return variable("PMIX_RANK") != null ? 0 : null;
    }

    /// <summary>Which of the processes of its machine this one is, from 0; null where the launcher does not tell.</summary>
    /// <param name="variable">The environment.</param>
    public static int? LocalRank(Func<string, string?> variable)
    {
        foreach (var name in LocalRanks)
            if (int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var rank)) return rank;
        return null;
    }
}
