using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace PeaEngine.Tests.Train.Processes;

/// <summary>Processes that Open MPI's launcher starts and watches.</summary>
sealed class Mpirun : IDisposable
{
    /// <summary>The longest that anything here may take, and far longer than it does.</summary>
    static readonly TimeSpan Limit = TimeSpan.FromSeconds(300);

    readonly Process process;
    readonly StringBuilder said = new();

    Mpirun(string[] arguments)
    {
        var start = new ProcessStartInfo("mpirun", ["--oversubscribe", "--bind-to", "none", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        // It starts nothing as root otherwise, which a container's user often is.
        (start.Environment["OMPI_ALLOW_RUN_AS_ROOT"], start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]) = ("1", "1");
        // What it copies large messages with is forbidden in many containers.
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none";
        process = new() { StartInfo = start };
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Whether this machine has it.</summary>
    public static bool IsThere { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "mpirun")));

    /// <summary>What all of them said so far.</summary>
    public string Said
    {
        get
        {
            lock (said) return said.ToString();
        }
    }

    /// <summary>Starts one command so many times.</summary>
    public static Mpirun Start(int ranks, params string[] command) => new(["-n", ranks.ToString(CultureInfo.InvariantCulture), .. command]);

    /// <summary>Starts a command for each rank.</summary>
    public static Mpirun StartEach(params string[][] commands) => new([.. commands.SelectMany((command, rank) => (string[])[.. rank == 0 ? [] : (string[])[":"], "-n", "1", .. command])]);

    /// <summary>The command line of <c>pea</c>.</summary>
    public static string[] Pea(params string[] arguments) => [Path.Combine(AppContext.BaseDirectory, "pea"), .. arguments];

    /// <summary>Waits for the end of all, and gives the exit code.</summary>
    public int Wait()
    {
        Assert.True(process.WaitForExit(Limit), $"mpirun has not ended: {Said}");
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Waits until something is so.</summary>
    public void WaitUntil(Func<bool> isSo)
    {
        for (var clock = Stopwatch.StartNew(); !isSo(); Thread.Sleep(20)) Assert.True(clock.Elapsed < Limit && !process.HasExited, $"not reached: {Said}");
    }

    /// <summary>Sends a signal, such as KILL, to one rank.</summary>
    public void Signal(int rank, string signal) => Interruptible.Signal(PidOf(rank), signal);

    /// <summary>Sends a signal to the launcher.</summary>
    public void Signal(string signal) => Interruptible.Signal(process.Id, signal);

    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    void Hear(string? line)
    {
        lock (said) said.AppendLine(line);
    }

    int PidOf(int rank)
    {
        var children = File.ReadAllText($"/proc/{process.Id}/task/{process.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(children.Single(child => File.ReadAllText($"/proc/{child}/environ").Split('\0').Contains($"OMPI_COMM_WORLD_RANK={rank}")), CultureInfo.InvariantCulture);
    }
}
