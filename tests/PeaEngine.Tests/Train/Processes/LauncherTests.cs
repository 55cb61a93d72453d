using PeaEngine.Train.Processes;

namespace PeaEngine.Tests.Train.Processes;

/// <summary>How a process knows that it is one of several.</summary>
public class LauncherTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData(null, "OMPI_COMM_WORLD_SIZE=1")]
    [InlineData(4, "OMPI_COMM_WORLD_SIZE=4")]
    [InlineData(4, "OMPI_COMM_WORLD_SIZE=4", "SLURM_STEP_NUM_TASKS=1")]
    [InlineData(2, "SLURM_STEP_NUM_TASKS=2", "PMIX_RANK=0")]
    // One that a shell within Slurm started, not srun.
    [InlineData(null, "SLURM_NTASKS=2", "SLURM_PROCID=0")]
    [InlineData(null, "SLURM_STEP_NUM_TASKS=1", "PMIX_RANK=0")]
    [InlineData(3, "PMI_SIZE=3", "PMI_RANK=1")]
    [InlineData(0, "PMIX_RANK=1")]
    public void TheEnvironmentTellsHowManyThereAre(int? expected, params string[] environment)
    {
        var variables = environment.Where(variable => variable.Length > 0).Select(variable => variable.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(expected, Launcher.Count(variables.GetValueOrDefault));
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData(1, "OMPI_COMM_WORLD_LOCAL_RANK=1")]
    // Slurm's of the shell that mpirun was called in.
    [InlineData(2, "SLURM_LOCALID=0", "OMPI_COMM_WORLD_LOCAL_RANK=2")]
    [InlineData(3, "SLURM_LOCALID=3")]
    [InlineData(1, "MPI_LOCALRANKID=1")]
    [InlineData(null, "SLURM_LOCALID=first")]
    public void TheEnvironmentTellsWhichOfItsMachineItIs(int? expected, params string[] environment)
    {
        var variables = environment.Where(variable => variable.Length > 0).Select(variable => variable.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(expected, Launcher.LocalRank(variables.GetValueOrDefault));
    }

    [Fact]
    public void WithoutALauncherAProcessIsAlone()
    {
        using var processes = ProcessGroup.Join();
        Assert.Same(ProcessGroup.Alone, processes);
        Assert.Equal((0, 1, true, Environment.ProcessorCount), (processes.Rank, processes.Count, processes.IsFirst, processes.Processors));
        double[] values = [1, double.NaN];
        processes.Sum(values.AsSpan());
        Assert.Equal([1, double.NaN], values);
        processes.Agree();
    }
}
