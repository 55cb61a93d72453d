using System.Globalization;
using System.Runtime.InteropServices;
using PeaEngine.Randomness;
using PeaEngine.Train.Processes;

namespace PeaEngine.Tests.Train.Processes;

/// <summary>What processes do together, in processes that MPI starts.</summary>
public sealed class ProcessGroupTests : IDisposable
{
    /// <summary>Other algorithms of MPI are taken for other sizes.</summary>
    static readonly int[] Lengths = [0, 1, 3, 1000, 100_003, 1 << 20];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [MpiTheory]
    [InlineData(2)]
    [InlineData(3)]
    public void SumsAreTheSameBitsForAll(int ranks)
    {
        using var run = Mpirun.Start(ranks, HelperProgram.CommandLine(nameof(ProcessGroupTests), folder.Path));
        Assert.True(run.Wait() == 0, run.Said);
        var files = Enumerable.Range(0, ranks).Select(rank => File.ReadAllBytes(folder.At($"{rank}"))).ToList();
        for (var rank = 1; rank < ranks; rank++) Assert.Equal(files[0], files[rank]);

        var sums = MemoryMarshal.Cast<byte, double>(files[0]);
        foreach (var length in Lengths)
        {
            var terms = Enumerable.Range(0, ranks).Select(rank => Values(rank, length)).ToList();
            for (var i = 0; i < length; i++)
            {
                var (expected, largest) = (terms.Sum(values => (double)values[i]), terms.Sum(values => Math.Abs((double)values[i])));
                Assert.InRange(sums[i], expected - largest * 1e-15, expected + largest * 1e-15);
                // Each of the additions rounds by half a unit of the last place at most.
                Assert.InRange(sums[length + i], expected - largest * 1.2e-7, expected + largest * 1.2e-7);
            }
            sums = sums[(2 * length)..];
        }
        var processors = Math.Max(1, Environment.ProcessorCount / ranks);
        for (var rank = 0; rank < ranks; rank++) Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"rank {rank} of {ranks} has {processors}, cancelled"), run.Said, StringComparison.Ordinal);
    }

    /// <summary>Nobody answers a process that only seems to have been launched.</summary>
    [MpiFact]
    public void ALauncherThatMpiDoesNotKnowIsAnError()
    {
        using var run = Mpirun.Start(1, ["env", "OMPI_COMM_WORLD_SIZE=2", .. HelperProgram.CommandLine(nameof(ProcessGroupTests), folder.Path)]);
        Assert.NotEqual(0, run.Wait());
        Assert.Contains("mpi: 2 processes were launched, Open MPI v", run.Said, StringComparison.Ordinal);
        Assert.Contains("finds 1", run.Said, StringComparison.Ordinal);
    }

    /// <summary>What each process does.</summary>
    internal static void SumAndAgree(string folder)
    {
        using var processes = ProcessGroup.Join();
        using (var file = File.Create(Path.Combine(folder, $"{processes.Rank}")))
            foreach (var length in Lengths)
            {
                var singles = Values(processes.Rank, length);
                var doubles = Array.ConvertAll(singles, value => (double)value);
                processes.Sum(singles.AsSpan());
                processes.Sum(doubles.AsSpan());
                file.Write(MemoryMarshal.AsBytes(doubles.AsSpan()));
                file.Write(MemoryMarshal.AsBytes(Array.ConvertAll(singles, value => (double)value).AsSpan()));
            }
        processes.Agree();
        if (processes.Rank == 1) processes.Cancel();
        else Assert.Throws<AgreedCancellationException>(processes.Agree);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{processes} has {processes.Processors}, cancelled"));
    }

    static float[] Values(int rank, int length)
    {
        var values = new float[length];
        new Philox(1, 0, (ulong)rank).Normals(values);
        return values;
    }
}
