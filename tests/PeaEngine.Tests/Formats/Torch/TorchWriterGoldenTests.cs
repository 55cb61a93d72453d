using System.IO.Compression;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

/// <summary>The adapters of <c>golden/adapter</c>, which torch wrote, written again: every file of the archive has the bytes that torch gave it.</summary>
public sealed class TorchWriterGoldenTests : IDisposable
{
    const int Alignment = 64;

    readonly TemporaryFolder folder = new();

    public static TheoryData<string> Cases => GoldenFolder.Cases("adapter");

    public void Dispose() => folder.Dispose();

    [Theory, MemberData(nameof(Cases))]
    public void FilesAreTorchs(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var golden = GoldenFolder.At("adapter", name, "pytorch_model.bin");
        var path = folder.At("copy.bin");
        using (var source = TorchFile.Open(golden)) TorchWriter.Write(path, source.Tensors.Keys.Select(key => TensorContent.FromSource(source, key)));

        // torch numbers its archives by their content, for its own telemetry.
        var expected = Files(golden).Where(file => file.Name != ".data/serialization_id").ToList();
        var actual = Files(path);
        Assert.Equal(expected.Select(file => file.Name), actual.Select(file => file.Name));
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.Bytes, pair.Second.Bytes));
        using var archive = RandomAccessFile.Open(path, "");
        Assert.All(ZipDirectory.Read(archive).Values, entry => Assert.Equal(0, entry.Position % Alignment));
    }

    /// <summary>The files without the folder that they are all in.</summary>
    static List<(string Name, byte[] Bytes)> Files(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        return [.. zip.Entries.Select(entry =>
        {
            using var content = new MemoryStream();
            using (var stream = entry.Open()) stream.CopyTo(content);
            return (entry.FullName[(entry.FullName.IndexOf('/', StringComparison.Ordinal) + 1)..], content.ToArray());
        })];
    }
}
