using System.Diagnostics;

namespace PeaEngine.Tests.Train;

/// <summary><c>pea train</c> as a process of its own, to be killed.</summary>
sealed class TrainProcess : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    readonly Process process;
    readonly Task<string> output, error;

    /// <summary>Starts it.</summary>
    public TrainProcess(params IEnumerable<string> arguments)
    {
        process = Interruptible.Start([Path.Combine(AppContext.BaseDirectory, "pea"), "train", .. arguments]);
        (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
    }

    /// <summary>Waits for a moment; fails where the process ends before.</summary>
    public TrainProcess WaitFor(Func<bool> moment)
    {
        var watch = Stopwatch.StartNew();
        while (!moment())
        {
            Assert.False(process.HasExited, $"ended too early: {(process.HasExited ? error.Result : "")}");
            Assert.True(watch.Elapsed < Patience, "the moment does not come");
            Thread.Sleep(1);
        }
        return this;
    }

    /// <summary>SIGKILL: nothing of the process runs after it.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>Sends a signal by its name, such as INT.</summary>
    public void Signal(string name) => Interruptible.Signal(process.Id, name);

    /// <summary>Waits for its end: exit code, and what it wrote to standard error.</summary>
    public (int Code, string Error) End()
    {
        Assert.True(process.WaitForExit(Patience), "it does not end");
        output.Wait();
        return (process.ExitCode, error.Result);
    }

    /// <summary>Leaves no process behind.</summary>
    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}
