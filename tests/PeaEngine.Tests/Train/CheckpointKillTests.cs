using System.Globalization;
using PeaEngine.Formats;
using PeaEngine.Train.Checkpoints;

namespace PeaEngine.Tests.Train;

/// <summary>A process that saves one checkpoint after another is killed again and again, without a warning.</summary>
public class CheckpointKillTests
{
    const int Kills = 25, Keep = 2, Values = 1 << 14;

    [Fact]
    public void WheneverItIsKilledTheNewestIsWhole()
    {
        using var folder = new TemporaryFolder();
        var store = new CheckpointStore(folder.At("checkpoints"), Keep);
        var random = new Random(1);
        long last = 0;
        var unfinished = 0;
        for (var kill = 0; kill < Kills; kill++)
        {
            var saved = SaveAndKill(folder.At("checkpoints"), random.Next(40));
            var warnings = new List<string>();
            var newest = store.Newest(warnings.Add);
            Assert.NotNull(newest);
            Assert.InRange(newest.Step, Math.Max(saved, last), saved + 1);
            // A kill leaves no damaged checkpoint behind but one whose deletion it cut short, and that is an old one.
            Assert.Empty(warnings);
            foreach (var name in (string[])["a.safetensors", "b.safetensors"])
            {
                using var file = GoldenTensors.Open(newest.At(name));
                Assert.Equal(Enumerable.Repeat((float)newest.Step, Values), file["x"].Values);
            }
            if (Directory.EnumerateDirectories(folder.At("checkpoints"), ".unfinished-*").Any()) unfinished++;
            last = newest.Step;
        }
        // Otherwise no kill came while something was being saved, and the test has shown nothing.
        Assert.InRange(unfinished, 1, Kills);
        store.Save(last + 1, path => Fill(path, last + 1));
        Assert.Equal(["a.safetensors", "b.safetensors", "manifest.json"], Directory.EnumerateFiles(store.Newest(Assert.Fail)!.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(Keep, Directory.EnumerateFileSystemEntries(folder.At("checkpoints")).Count());
    }

    /// <summary>What the killed process does: it goes on from the newest checkpoint and says after each save which step it was.</summary>
    internal static void SaveForEver(string folder)
    {
        var store = new CheckpointStore(folder, Keep);
        for (var step = (store.Newest(_ => { })?.Step ?? 0) + 1; ; step++)
        {
            store.Save(step, path => Fill(path, step));
            Console.Out.WriteLine(step.ToString(CultureInfo.InvariantCulture));
            Console.Out.Flush();
        }
    }

    static void Fill(string folder, long step)
    {
        foreach (var name in (string[])["a.safetensors", "b.safetensors"])
            SafetensorsWriter.Write(Path.Combine(folder, name), [TensorContent.FromSingles("x", [Values], Enumerable.Repeat((float)step, Values).ToArray())]);
    }

    /// <summary>The last step that the process said it had saved.</summary>
    static long SaveAndKill(string folder, int afterMilliseconds)
    {
        using var process = HelperProgram.Start(nameof(CheckpointKillTests), folder);
        var first = process.StandardOutput.ReadLine();
        Thread.Sleep(afterMilliseconds);
        process.Kill();
        var said = (first + "\n" + process.StandardOutput.ReadToEnd()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        return long.Parse(said[^1], CultureInfo.InvariantCulture);
    }
}
