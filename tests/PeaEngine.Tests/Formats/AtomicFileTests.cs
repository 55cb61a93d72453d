using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class AtomicFileTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ReplacesAFile()
    {
        var path = folder.Write("a", "old and longer");

        AtomicFile.Write(path, stream => stream.Write("new"u8));

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal(["a"], folder.Files());
    }

    [Fact]
    public void FollowsALink()
    {
        var path = folder.Write("target/a", "old");
        File.CreateSymbolicLink(folder.At("link"), path);

        AtomicFile.Write(folder.At("link"), stream => stream.Write("new"u8));

        Assert.Equal("new", File.ReadAllText(path));
        Assert.NotNull(new FileInfo(folder.At("link")).LinkTarget);
    }

    /// <summary>A killed process's file goes, if it is old; one that is new, or old but still open, and what only looks alike, stay.</summary>
    [Fact]
    public void RemovesWhatAKilledProcessLeft()
    {
        string left = folder.Write(".pea-1.tmp", "left"), slow = folder.Write(".pea-2.tmp", "slow"), young = folder.Write(".pea-3.tmp", "young"), other = folder.Write("pea-4.tmp", "other");
        foreach (var old in new[] { left, slow, other }) File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-1));
        using (new FileStream(slow, FileMode.Open, FileAccess.Write, FileShare.None)) AtomicFile.Write(folder.At("a"), stream => stream.Write("new"u8));
        Assert.Equal([".pea-2.tmp", ".pea-3.tmp", "a", "pea-4.tmp"], folder.Files().Order(StringComparer.Ordinal));
        AtomicFile.Write(folder.At("a"), stream => stream.Write("new"u8));
        Assert.Equal([".pea-3.tmp", "a", "pea-4.tmp"], folder.Files().Order(StringComparer.Ordinal));
        Assert.True(File.Exists(young));
    }

    [Theory]
    [InlineData("no-such-folder/a", "no folder")]
    [InlineData("file/a", "no folder")]
    [InlineData(".", "a folder")]
    public void SaysWhyAPathCannotBeWritten(string name, string reason)
    {
        folder.Write("file", "");
        var isAsked = false;

        var exception = Assert.Throws<PeaException>(() => AtomicFile.Write(folder.At(name), _ => isAsked = true));

        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.StartsWith(folder.At(name), exception.Message, StringComparison.Ordinal);
        Assert.False(isAsked);
        Assert.Equal(["file"], folder.Files());
    }

    [Fact]
    public void AnEmptyPathIsAnError() => Assert.Throws<PeaException>(() => AtomicFile.Write("", _ => { }));

    [Fact]
    public void AFolderThatCannotBeWrittenIsOneClearError()
    {
        if (!Directory.Exists("/sys/kernel")) return; // only on Linux: a folder in which not even root makes files
        var exception = Assert.Throws<PeaException>(() => AtomicFile.Write("/sys/kernel/pea.safetensors", stream => stream.Write("new"u8)));

        Assert.StartsWith("/sys/kernel/pea.safetensors: cannot be written: ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFullDiskIsOneClearError()
    {
        if (!File.Exists("/dev/full")) return; // only Linux has a device that is always full
        var exception = Assert.Throws<PeaException>(() => AtomicFile.Write("/dev/full", stream => stream.Write(new byte[1 << 20])));

        Assert.StartsWith("/dev/full: cannot be written: ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
        Assert.True(File.Exists("/dev/full"));
    }
}
