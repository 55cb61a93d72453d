using PeaEngine.Train.Checkpoints;

namespace PeaEngine.Tests.Train;

public sealed class CheckpointStoreTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TheNewestIsLoadedAndOldOnesGo()
    {
        var store = new CheckpointStore(folder.At("run", "checkpoints"), 2);
        Assert.Null(store.Newest(Assert.Fail));
        foreach (var step in (long[])[0, 5, 100, 20_000_000_000]) Assert.Equal(step, Save(store, step).Step);
        var newest = store.Newest(Assert.Fail)!;
        Assert.Equal(20_000_000_000, newest.Step);
        Assert.Equal("step 20000000000", File.ReadAllText(newest.At("state.txt")));
        Assert.Equal(["run/checkpoints/step-00000100/manifest.json", "run/checkpoints/step-00000100/state.txt", "run/checkpoints/step-20000000000/manifest.json", "run/checkpoints/step-20000000000/state.txt"],
            folder.Files().Select(file => file.Replace('\\', '/')));
    }

    [Theory]
    [InlineData("manifest.json", null, "no such file")]
    [InlineData("manifest.json", "{", "manifest.json")]
    [InlineData("manifest.json", "{\"files\": {\"../../secret\": \"00\"}}", "expected a name without folders")]
    [InlineData("state.txt", null, "expected a file of a checkpoint")]
    [InlineData("state.txt", "step 8", "not the bytes that were written")]
    [InlineData("state.txt", "", "not the bytes that were written")]
    public void ADamagedOneIsPassedOverWithAWarning(string file, string? text, string expected)
    {
        var store = new CheckpointStore(folder.At("checkpoints"), 3);
        Save(store, 7);
        var damaged = Save(store, 9);
        if (text == null) File.Delete(damaged.At(file));
        else File.WriteAllText(damaged.At(file), text);
        var warnings = new List<string>();
        Assert.Equal(7, store.Newest(warnings.Add)!.Step);
        var warning = Assert.Single(warnings);
        Assert.StartsWith($"{damaged.Folder}: a damaged checkpoint, the one before is taken: ", warning, StringComparison.Ordinal);
        Assert.Contains(expected, warning, StringComparison.Ordinal);
    }

    [Fact]
    public void AWholeOneOfTheSameStepStaysAndADamagedOneIsReplaced()
    {
        var store = new CheckpointStore(folder.At("checkpoints"), 3);
        var checkpoint = Save(store, 7);
        store.Save(7, _ => Assert.Fail("it is whole already"));
        File.WriteAllText(checkpoint.At("state.txt"), "step 8");
        Save(store, 7);
        Assert.Equal("step 7", File.ReadAllText(store.Newest(Assert.Fail)!.At("state.txt")));
    }

    /// <summary>A damaged checkpoint ahead of where the run goes on must not count as one of those to keep.</summary>
    [Fact]
    public void WhatIsLaterThanTheNewestSaveGoes()
    {
        var store = new CheckpointStore(folder.At("checkpoints"), 1);
        File.WriteAllText(Save(store, 9).At("state.txt"), "damaged");
        Save(store, 8);
        Assert.Equal(8, store.Newest(Assert.Fail)!.Step);
        Assert.Single(Directory.EnumerateDirectories(folder.At("checkpoints")));
    }

    [Fact]
    public void ASaveThatFailsLeavesNothing()
    {
        var store = new CheckpointStore(folder.At("checkpoints"), 2);
        Save(store, 7);
        Assert.Throws<InvalidOperationException>(() => store.Save(8, path =>
        {
            File.WriteAllText(Path.Combine(path, "state.txt"), "half");
            throw new InvalidOperationException();
        }));
        Assert.Equal(7, store.Newest(Assert.Fail)!.Step);
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.At("checkpoints")));
        folder.Write("file", "");
        Assert.StartsWith(folder.At("file", "step-00000001"), Assert.Throws<PeaException>(() => Save(new(folder.At("file"), 1), 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherFoldersAreLeftAlone()
    {
        var store = new CheckpointStore(folder.At("checkpoints"), 1);
        foreach (var name in (string[])["step-7", "step-x", "step-", "other"]) folder.Write($"checkpoints/{name}/file", "");
        Save(store, 1);
        Save(store, 2);
        Assert.Equal(2, store.Newest(Assert.Fail)!.Step);
        Assert.Equal(5, Directory.EnumerateDirectories(folder.At("checkpoints")).Count());
    }

    static Checkpoint Save(CheckpointStore store, long step) => store.Save(step, path => File.WriteAllText(Path.Combine(path, "state.txt"), $"step {step}"));
}
