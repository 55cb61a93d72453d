using System.Runtime.InteropServices;
using System.Text;

namespace PeaEngine.Train.Processes;

/// <summary>The functions of Open MPI that are used. An error within MPI ends all processes, with MPI's own message: that is its default.</summary>
sealed class OpenMpi
{
    /// <summary>The name has not changed from version 2 to 5.</summary>
    static readonly string[] Names = ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"];

    /// <summary>MPI_IN_PLACE, MPI_THREAD_SERIALIZED, MPI_MAX_LIBRARY_VERSION_STRING and MPI_COMM_TYPE_SHARED of its mpi.h.</summary>
    const int InPlace = 1, Serialized = 2, LongestVersion = 256, SharedMemory = 0;

    readonly nint library, world, single, @double, sum;
    readonly AllReduce allReduce;

    OpenMpi(nint library)
    {
        this.library = library;
        (world, single, @double, sum) = (Export("ompi_mpi_comm_world"), Export("ompi_mpi_float"), Export("ompi_mpi_double"), Export("ompi_mpi_op_sum"));
        allReduce = Function<AllReduce>("MPI_Allreduce");
    }

    delegate int Initialize(nint arguments, nint values, int required, out int provided);

    delegate int Ask(nint communicator, out int answer);

    delegate int SplitByType(nint communicator, int type, int key, nint info, out nint part);

    delegate int Free(ref nint communicator);

    delegate int AllReduce(nint send, ref byte receive, int count, nint type, nint operation, nint communicator);

    delegate int End(nint communicator, int code);

    delegate int Leave();

    delegate int AskVersion(ref byte text, out int length);

    /// <summary>The library; null where there is none.</summary>
    /// <exception cref="PeaException">It is another MPI's.</exception>
    public static OpenMpi? Find()
    {
        foreach (var name in Names)
        {
            if (!NativeLibrary.TryLoad(name, out var library)) continue;
            if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _)) return new(library);
            throw new PeaException($"{name}: not Open MPI's, expected Open MPI");
        }
        return null;
    }

    /// <summary>As the library calls itself, up to the first comma: <c>Open MPI v4.1.4</c>.</summary>
    public string Version()
    {
        Span<byte> text = stackalloc byte[LongestVersion];
        Function<AskVersion>("MPI_Get_library_version")(ref MemoryMarshal.GetReference(text), out var length);
        return Encoding.UTF8.GetString(text[..length]).Split(',')[0].Trim('\0');
    }

    /// <summary>Meets the other processes; one thread at a time may use MPI from then on.</summary>
    public void Join() => Function<Initialize>("MPI_Init_thread")(0, 0, Serialized, out _);

    /// <summary>Which process this is.</summary>
    public int Rank() => Answer("MPI_Comm_rank", world);

    /// <summary>Which one this is of those that share memory. All processes call it.</summary>
    public int LocalRank()
    {
        Function<SplitByType>("MPI_Comm_split_type")(world, SharedMemory, 0, Export("ompi_mpi_info_null"), out var machine);
        var rank = Answer("MPI_Comm_rank", machine);
        Function<Free>("MPI_Comm_free")(ref machine);
        return rank;
    }

    /// <summary>How many there are.</summary>
    public int Count() => Answer("MPI_Comm_size", world);

    /// <summary>Sums over all processes in place. MPI requires (3.1, 5.9.6) that all receive identical results.</summary>
    public void Sum(Span<float> values) => allReduce(InPlace, ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values)), values.Length, single, sum, world);

    /// <inheritdoc cref="Sum(Span{float})"/>
    public void Sum(Span<double> values) => allReduce(InPlace, ref MemoryMarshal.GetReference(MemoryMarshal.AsBytes(values)), values.Length, @double, sum, world);

    /// <summary>Ends all processes.</summary>
    public void Abort(int code) => Function<End>("MPI_Abort")(world, code);

    /// <summary>Waits for all to leave, and leaves.</summary>
    public void Finish() => Function<Leave>("MPI_Finalize")();

    int Answer(string function, nint communicator)
    {
        Function<Ask>(function)(communicator, out var answer);
        return answer;
    }

    nint Export(string name) => NativeLibrary.GetExport(library, name);

    T Function<T>(string name) => Marshal.GetDelegateForFunctionPointer<T>(Export(name));
}
