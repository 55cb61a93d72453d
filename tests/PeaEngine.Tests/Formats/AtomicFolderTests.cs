using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class AtomicFolderTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    static void Fill(string path)
    {
        Directory.CreateDirectory(Path.Combine(path, "inner"));
        File.WriteAllText(Path.Combine(path, "inner", "a"), "text");
    }

    [Fact]
    public void AppearsWhole()
    {
        AtomicFolder.Write(folder.At("new"), Fill);
        AtomicFolder.Write(folder.At("with-separator") + Path.DirectorySeparatorChar, Fill);
        Directory.CreateDirectory(folder.At("empty"));
        AtomicFolder.Write(folder.At("empty"), Fill);

        Assert.Equal([Path.Combine("empty", "inner", "a"), Path.Combine("new", "inner", "a"), Path.Combine("with-separator", "inner", "a")], folder.Files());
    }

    [Fact]
    public void LeavesNothingBehind()
    {
        Assert.Throws<InvalidOperationException>(() => AtomicFolder.Write(folder.At("new"), path =>
        {
            Fill(path);
            throw new InvalidOperationException();
        }));
        var exception = Assert.Throws<PeaException>(() => AtomicFolder.Write(folder.At("new"), path =>
        {
            Fill(path);
            throw new IOException("no space");
        }));

        Assert.Equal($"{folder.At("new")}: cannot be written: no space", exception.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void RefusesWhatIsThere()
    {
        folder.Write("full/a", "text");
        folder.Write("file", "text");

        foreach (var (path, reason) in new[]
        {
            (folder.At("full"), "a folder that is not empty"), (folder.At("file"), "a file, expected the name of a folder"),
            (folder.At("no", "new"), $"no folder {folder.At("no")}"), ("", "expected the name of a folder"), ("a\0b", "expected the name of a folder"),
        })
        {
            Assert.Contains(reason, Assert.Throws<PeaException>(() => AtomicFolder.Check(path)).Message, StringComparison.Ordinal);
            Assert.Contains(reason, Assert.Throws<PeaException>(() => AtomicFolder.Write(path, Fill)).Message, StringComparison.Ordinal);
        }
        Assert.Equal(["file", Path.Combine("full", "a")], folder.Files());
    }
}
