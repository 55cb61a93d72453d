using System.Globalization;
using PeaEngine.Cuda;
using Xunit.Abstractions;

namespace PeaEngine.Tests.Runner;

/// <summary>What becomes of tests, as they end: failures in full, a line a class, and counts.</summary>
/// <param name="output">Where it is told.</param>
/// <param name="endsWhenLost">Whether nothing is run after a test that lost the device: in this process no other would find it again.</param>
sealed class TestReport(TextWriter output, bool endsWhenLost) : LongLivedMarshalByRefObject, IMessageSink, IDisposable
{
    readonly Lock gate = new();
    readonly Dictionary<string, SortedSet<string>> reasons = [];
    readonly ManualResetEventSlim finished = new();

    /// <summary>Tests that passed.</summary>
    public int Passed { get; private set; }

    /// <summary>Tests that failed, and errors beside tests.</summary>
    public int Failed { get; private set; }

    /// <summary>Tests that were not run, for a reason that they give.</summary>
    public int Skipped { get; private set; }

    /// <summary>Whether the run ended early because the device was lost.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Returns after the last test.</summary>
    public void Wait() => finished.Wait();

    /// <summary>False ends the run.</summary>
    public bool OnMessage(IMessageSinkMessage message)
    {
        using var alone = gate.EnterScope();
        switch (message)
        {
            case ITestPassed: Passed++; break;
            case ITestSkipped skipped:
                Skipped++;
                var name = skipped.TestClass.Class.Name;
                if (!reasons.TryGetValue(name, out var given)) reasons.Add(name, given = new(StringComparer.Ordinal));
                given.Add(skipped.Reason);
                break;
            case ITestFailed failed: Fail(failed.Test.DisplayName, failed); break;
            case IFailureInformation other: Fail(message.GetType().Name, other); break;
            case ITestClassFinished ended:
                var line = $"{ended.TestClass.Class.Name}: {ended.TestsRun - ended.TestsFailed - ended.TestsSkipped} passed";
                if (ended.TestsFailed > 0) line += $", {ended.TestsFailed} failed";
                if (ended.TestsSkipped > 0) line += $", {ended.TestsSkipped} skipped ({string.Join("; ", reasons[ended.TestClass.Class.Name])})";
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line}, {ended.ExecutionTime:0.0} s"));
                break;
            case ITestAssemblyFinished: finished.Set(); break;
        }
        return !IsLost;
    }

    /// <inheritdoc/>
    public void Dispose() => finished.Dispose();

    void Fail(string name, IFailureInformation failure)
    {
        Failed++;
        IsLost |= endsWhenLost && failure.ExceptionTypes.Contains(typeof(DeviceLostException).FullName);
        output.WriteLine($"FAILED {name}");
        for (var i = 0; i < failure.Messages.Length; i++)
            foreach (var line in $"{failure.Messages[i]}\n{failure.StackTraces[i]}".Split('\n', StringSplitOptions.RemoveEmptyEntries)) output.WriteLine($"    {line.TrimEnd()}");
    }
}
