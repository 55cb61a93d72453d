using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace PeaEngine.Perf;

/// <summary>PyTorch in a process of its own, asked line by line: <c>torch_rival.py</c> says how.</summary>
sealed class TorchRival : IDisposable
{
    readonly Process process;

    TorchRival(Process process, JsonElement hello)
    {
        this.process = process;
        Version = hello.GetProperty("torch").GetString()!;
        Config = hello.GetProperty("config").GetString()!;
        Blas = hello.GetProperty("blas").GetString()!;
    }

    public string Version { get; }

    /// <summary><c>torch.__config__.show()</c></summary>
    public string Config { get; }

    /// <summary>The file of the BLAS library that PyTorch runs on, where it is not built in.</summary>
    public string Blas { get; }

    /// <summary>Starts the rival on so many threads; null with the reason where there is none.</summary>
    public static TorchRival? Start(string script, int threads, out string reason)
    {
        var reasons = new List<string>();
        foreach (var python in (string?[])[Environment.GetEnvironmentVariable("PEA_PYTHON"), "/usr/bin/python3", "python3"])
        {
            if (string.IsNullOrEmpty(python)) continue;
            try
            {
                var process = Process.Start(new ProcessStartInfo(python, [script, threads.ToString(CultureInfo.InvariantCulture)])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
                var errors = process.StandardError.ReadToEndAsync();
                if (process.StandardOutput.ReadLine() is { } line)
                {
                    reason = "";
                    return new TorchRival(process, Parse(line));
                }
                process.WaitForExit();
                reasons.Add($"{python}: {errors.Result.Trim().Split('\n')[^1]}");
                process.Dispose();
            }
            catch (System.ComponentModel.Win32Exception e)
            {
                reasons.Add($"{python}: {e.Message}");
            }
        }
        reason = string.Join("; ", reasons);
        return null;
    }

    /// <summary>Makes the benchmark's tensors; false where the rival has no such op, with the reason.</summary>
    public bool Set(IBenchmark benchmark, out string note)
    {
        var arguments = string.Join(", ", benchmark.Arguments.Select(argument => $"\"{argument.Name}\": {argument.Value}"));
        var reply = Ask($"{{\"set\": \"{benchmark.Op}\", \"arguments\": {{{arguments}}}}}");
        note = reply.GetProperty("note").GetString()!;
        return reply.GetProperty("ok").GetBoolean();
    }

    /// <summary>Seconds of <paramref name="count"/> runs, after one that is not counted unless all is warm.</summary>
    public double Run(int count, bool warm) => Ask($"{{\"run\": {count}, \"warm\": {(warm ? "true" : "false")}}}").GetProperty("seconds").GetDouble();

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    JsonElement Ask(string line)
    {
        process.StandardInput.WriteLine(line);
        process.StandardInput.Flush();
        return Parse(process.StandardOutput.ReadLine() ?? throw new PeaException($"torch_rival.py: ended at {line}"));
    }

    static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
