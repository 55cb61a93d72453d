using System.Diagnostics;

namespace PeaEngine.Perf.Models;

/// <summary>A whole picture by the command line, process start included, and the most memory the process had.</summary>
/// <param name="op">What it is called.</param>
/// <param name="size">Width and height in pixels.</param>
/// <param name="steps">Denoising steps, guided.</param>
/// <param name="isFullSize">SDXL in its own size with random weights, which takes 7 GB of disk, instead of the sample model.</param>
sealed class Picture(string op, int size, int steps, bool isFullSize) : IBenchmark
{
    public string Op => op;

    public IReadOnlyList<(string, int)> Arguments => [("size", size), ("steps", steps)];

    public double Flops => 0;

    public double Bytes => 0;

    public bool IsOnRequest => isFullSize;

    public long PeakBytes { get; private set; }

    public Action Set(Room room)
    {
        var folder = room.Own(new TemporaryFolder());
        var model = Path.Combine(Machine.Root, "samples", "emoji", "teacher");
        if (isFullSize) FullSizeSdxl.WriteFolder(model = Path.Combine(folder.Path, "sdxl"));
        var pea = Path.Combine(Machine.Root, "src", "PeaEngine.Cli", "bin", "Release", "net10.0", OperatingSystem.IsWindows() ? "pea.exe" : "pea");
        string[] arguments =
        [
            "sample", "red panda, flat icon, yellow background", "--model", model, "--width", $"{size}", "--height", $"{size}", "--steps", $"{steps}", "--guidance", "5",
            "--seed", "100", "--threads", $"{room.Threads}", "--output", Path.Combine(folder.Path, "picture.png"),
        ];
        return () => Run(pea, arguments);
    }

    void Run(string pea, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(pea, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEndAsync();
        while (!process.WaitForExit(10))
        {
            try
            {
                process.Refresh();
                PeakBytes = Math.Max(PeakBytes, process.PeakWorkingSet64);
            }
            catch (InvalidOperationException)
            {
                // It has ended since.
            }
        }
        if (process.ExitCode != 0) throw new PeaException($"{pea}: {error.Result.Trim()}");
    }
}
