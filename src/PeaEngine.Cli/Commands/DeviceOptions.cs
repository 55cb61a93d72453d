using System.CommandLine;

namespace PeaEngine.Cli.Commands;

/// <summary>Where a command computes.</summary>
static class DeviceOptions
{
    /// <summary>The device.</summary>
    public static readonly Option<string> Name = new("--device") { Description = "Where to compute: cpu, or a GPU: cuda, cuda:N; for processes that train together cuda:local, one each.", HelpName = "NAME", DefaultValueFactory = _ => "cpu" };

    /// <summary>The type of activations.</summary>
    public static readonly Option<DType?> Type = new("--dtype") { Description = "What to compute in: fp32, fp16 or bf16. Default: fp16 on a GPU, fp32 on the CPU, which has no other.", HelpName = "TYPE", CustomParser = OptionParsers.Activations };

    /// <summary>The CPU's threads.</summary>
    public static readonly Option<int?> Threads = new("--threads") { Description = "CPU threads. Default: one a processor, shared with the processes that train with this one.", HelpName = "N", CustomParser = OptionParsers.Integer };

    const int MostThreads = 1024;

    /// <summary>The GPU of a process among those of its machine.</summary>
    const string Local = "cuda:local";

    /// <summary>Refuses what <see cref="Open"/> would, before anything is read.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="localRank">Which of the processes of its machine that share the work this is; null for a command that shares none.</param>
    /// <exception cref="OptionException">It is no device's name, it does not compute in the type, or the number of threads is out of range.</exception>
    public static void Check(ParseResult parsed, int? localRank = null)
    {
        Device.Check(NameOf(parsed, localRank), TypeOf(parsed));
        if (parsed.GetValue(Threads) is { } threads and not (>= 1 and <= MostThreads)) throw new OptionException($"threads: {threads}, expected 1 to {MostThreads}");
    }

    /// <summary>The backend that was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="threads">Threads where none are asked for; 0 for one a processor.</param>
    /// <param name="localRank">As <see cref="Check"/> takes it.</param>
    /// <exception cref="OptionException">As <see cref="Check"/> throws it.</exception>
    /// <exception cref="PeaException">The device is not there.</exception>
    public static Backend Open(ParseResult parsed, int threads = 0, int? localRank = null)
    {
        Check(parsed, localRank);
        var gpus = ((Invocation)parsed.InvocationConfiguration).Gpus;
        if (localRank is { } rank && parsed.GetRequiredValue(Name) == Local && gpus.Count() is var count && rank >= count)
            throw new PeaException($"{Local}: process {rank} of its machine, counted from 0, and {count} GPUs, expected one for each process, or --device cuda where the launcher shows each its own");
        return Device.Open(NameOf(parsed, localRank), parsed.GetValue(Threads) ?? threads, TypeOf(parsed), gpus);
    }

    static string NameOf(ParseResult parsed, int? localRank) => parsed.GetRequiredValue(Name) is var name && name == Local && localRank is { } rank ? $"cuda:{rank}" : name;

    /// <summary>What is computed in: what was asked for, or what the device does by itself.</summary>
    public static DType Activations(ParseResult parsed) => TypeOf(parsed) ?? Device.DefaultActivations(NameOf(parsed, 0));

    /// <summary>The type that was asked for, of a command that has the option.</summary>
    static DType? TypeOf(ParseResult parsed) => parsed.CommandResult.Command.Options.Contains(Type) ? parsed.GetValue(Type) : null;
}
