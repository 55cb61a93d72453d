using System.CommandLine;

namespace PeaEngine.Cli.Commands;

/// <summary>Where a command computes.</summary>
static class DeviceOptions
{
    /// <summary>The device.</summary>
    public static readonly Option<string> Name = new("--device") { Description = "Where to compute: cpu, or a GPU: cuda, cuda:N.", HelpName = "NAME", DefaultValueFactory = _ => "cpu" };

    /// <summary>The CPU's threads.</summary>
    public static readonly Option<int?> Threads = new("--threads") { Description = "CPU threads. Default: one a processor, shared with the processes that train with this one.", HelpName = "N", CustomParser = OptionParsers.Integer };

    const int MostThreads = 1024;

    /// <summary>Refuses what <see cref="Open"/> would, before anything is read.</summary>
    /// <exception cref="OptionException">The number of threads is out of range.</exception>
    public static void Check(ParseResult parsed)
    {
        if (parsed.GetValue(Threads) is { } threads and not (>= 1 and <= MostThreads)) throw new OptionException($"threads: {threads}, expected 1 to {MostThreads}");
    }

    /// <summary>The backend that was asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="threads">Threads where none are asked for; 0 for one a processor.</param>
    /// <exception cref="OptionException">It is no device's name, or the number of threads is out of range.</exception>
    /// <exception cref="PeaException">The device is not there.</exception>
    public static Backend Open(ParseResult parsed, int threads = 0)
    {
        Check(parsed);
        return Device.Open(parsed.GetRequiredValue(Name), parsed.GetValue(Threads) ?? threads);
    }
}
