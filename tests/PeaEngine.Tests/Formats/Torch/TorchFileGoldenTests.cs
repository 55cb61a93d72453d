using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

/// <summary>Files that torch wrote, with their tensors beside them; and files that must be refused, with nothing done that they say.</summary>
public sealed class TorchFileGoldenTests
{
    const string Expected = ".expected.safetensors", WellFormed = ".ok";

    static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // A refusal costs an exception and its message; an object of a pickle may cost a hundred times the byte that makes it.
    const long FixedBytes = 1 << 20, BytesPerByte = 100;

    public static TheoryData<string> Good => GoldenFolder.Cases("torch-files/good", name => !name.EndsWith(Expected, StringComparison.Ordinal), files: true);

    public static TheoryData<string> Bad => GoldenFolder.Cases("torch-files/bad", files: true);

    [Theory]
    [MemberData(nameof(Good))]
    public void ReadsWhatTorchWrote(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var path = GoldenFolder.At("torch-files", "good", name);
        using var expected = SafetensorsFile.Open(path + Expected);
        using var file = TorchFile.Open(path);

        Assert.Equal(expected.Tensors.Keys.Order(), file.Tensors.Keys.Order());
        foreach (var info in expected.Tensors.Values)
        {
            Assert.Equal(info.ToString(), file.Tensors[info.Name].ToString());
            var (wanted, read) = (new byte[info.Bytes], new byte[info.Bytes]);
            expected.Read(info.Name, 0, wanted);
            file.Read(info.Name, 0, read);
            Assert.Equal(wanted, read);
            // In pieces that no element and no row ends with.
            for (var offset = 0; offset < read.Length; offset += 7) file.Read(info.Name, offset, read.AsSpan(offset, Math.Min(7, read.Length - offset)));
            Assert.Equal(wanted, read);
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void RefusesWhatIsBroken(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var path = GoldenFolder.At("torch-files", "bad", name);
        if (name.EndsWith(WellFormed, StringComparison.Ordinal))
        {
            using var file = TorchFile.Open(path);
            Assert.NotEmpty(file.Tensors);
            return;
        }
        var files = Directory.GetFileSystemEntries(Directory.GetCurrentDirectory()).Order().ToList();
        foreach (var open in new Func<string, ITensorSource>[] { TorchFile.Open, TensorFile.Open })
        {
            var (started, before) = (DateTime.UtcNow, GC.GetAllocatedBytesForCurrentThread());

            var exception = Assert.Throws<PeaException>(() => open(path));

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, FixedBytes + BytesPerByte * new FileInfo(path).Length);
            Assert.InRange(DateTime.UtcNow - started, TimeSpan.Zero, Limit);
            Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', exception.Message);
        }
        Assert.Equal(files, Directory.GetFileSystemEntries(Directory.GetCurrentDirectory()).Order());
    }
}
