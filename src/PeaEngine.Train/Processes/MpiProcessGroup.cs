using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PeaEngine.Train.Processes;

/// <summary>The processes of an MPI launcher: all of <c>MPI_COMM_WORLD</c>.</summary>
sealed class MpiProcessGroup : ProcessGroup
{
    readonly OpenMpi mpi;

    /// <summary>Meets the other processes.</summary>
    /// <param name="launched">How many the launcher started; 0 where it does not tell.</param>
    /// <exception cref="PeaException">There is no Open MPI, or it finds another number of processes.</exception>
    public MpiProcessGroup(int launched)
    {
        mpi = OpenMpi.Find() ?? throw new PeaException("mpi: a launcher started this process, but there is no libmpi.so.40, expected Open MPI among the system's libraries or on LD_LIBRARY_PATH");
        mpi.Join();
        (Rank, Count) = (mpi.Rank(), mpi.Count());
        if (launched > 0 && Count != launched)
            throw new PeaException($"mpi: {launched} processes were launched, {mpi.Version()} finds {Count}, expected mpirun of the same Open MPI, or srun --mpi=pmix");
        LocalRank = Launcher.LocalRank(Environment.GetEnvironmentVariable) ?? mpi.LocalRank();
        Processors = Math.Max(1, Environment.ProcessorCount / Neighbours());
    }

    public override int Rank { get; }

    public override int Count { get; }

    public override int LocalRank { get; }

    public override int Processors { get; }

    public override void Sum(Span<float> values) => mpi.Sum(values);

    public override void Sum(Span<double> values) => mpi.Sum(values);

    public override void Abort(int exitCode) => mpi.Abort(exitCode);

    public override void Dispose() => mpi.Finish();

    /// <summary>How many processes may run on the same processors as this one, itself among them. Launchers bind two processes to the same ones, or to none in common.</summary>
    int Neighbours()
    {
        const string Status = "/proc/self/status";
        var processors = File.Exists(Status) ? File.ReadLines(Status).First(line => line.StartsWith("Cpus_allowed_list", StringComparison.Ordinal)) : "";
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{Environment.MachineName} {processors}"));
        var places = new double[Count];
        var place = places[Rank] = BinaryPrimitives.ReadUInt32LittleEndian(hash);
        mpi.Sum(places);
        return places.Count(other => other == place);
    }
}
