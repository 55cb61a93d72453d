using System.IO.Compression;
using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class TorchWriterTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EveryTypeThatTorchStoresComesBack()
    {
        var random = new Random(3);
        DType[] types = [DType.F32, DType.F16, DType.BF16, DType.F64, DType.I64, DType.I32, DType.I16, DType.I8, DType.U8, DType.Bool];
        var tensors = types.Select((dtype, i) =>
        {
            // No extents, several, none at all, and more than a byte or two can count.
            var info = new TensorInfo($"слой.{dtype}", dtype, i switch { 0 => [], 1 => [2, 3, 4, 5], 2 => [0, 1L << 40], 3 => [300, 250], _ => [i, 7] });
            var bytes = new byte[info.Bytes];
            random.NextBytes(bytes);
            return (info, bytes);
        }).ToList();
        var path = folder.At("all.bin");

        TorchWriter.Write(path, tensors.Select(tensor => TensorContent.FromBytes(tensor.info, tensor.bytes)), new Dictionary<string, string> { ["z"] = "a\"б\\", ["a"] = "" });

        using var file = TorchFile.Open(path);
        Assert.Equal(tensors.Select(tensor => tensor.info.Name), file.Tensors.Keys);
        foreach (var (info, bytes) in tensors)
        {
            Assert.Equal(info.ToString(), file.Tensors[info.Name].ToString());
            var read = new byte[bytes.Length];
            file.Read(info.Name, 0, read);
            Assert.Equal(bytes, read);
        }
        Assert.Equal(["a=", "z=a\"б\\"], file.Metadata.Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(["all.bin"], folder.Files());
    }

    /// <summary>Another reader of zip archives finds the files, with their checksums, where torch would map them.</summary>
    [Fact]
    public void TheArchiveIsSound()
    {
        var path = folder.At("a.bin");
        var names = Enumerable.Range(0, 300).Select(i => $"layer.{i}").ToList();
        TorchWriter.Write(path, names.Select((name, i) => TensorContent.FromSingles(name, [i], new float[i])));

        using var zip = ZipFile.OpenRead(path);
        Assert.Equal(["archive/data.pkl", "archive/.format_version", "archive/.storage_alignment", "archive/byteorder", .. names.Select((_, i) => $"archive/data/{i}"), "archive/version"], zip.Entries.Select(entry => entry.FullName));
        foreach (var entry in zip.Entries)
        {
            using var content = new MemoryStream();
            using (var stream = entry.Open()) stream.CopyTo(content);
            Assert.Equal((entry.Length, entry.Crc32), (content.Length, Crc32.Append(0, content.ToArray())));
        }
        using var file = TorchFile.Open(path);
        Assert.Equal(names, file.Tensors.Keys);
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void AsksForLargeTensorsInPieces()
    {
        var info = new TensorInfo("a", DType.U8, [9_000_001]);
        var (next, longest) = (0L, 0);
        TorchWriter.Write(folder.At("pieces.bin"), [new TensorContent(info, (offset, destination) =>
        {
            Assert.Equal(next, offset);
            next += destination.Length;
            longest = Math.Max(longest, destination.Length);
            destination.Fill((byte)(offset >> 20));
        })]);

        Assert.Equal(info.Bytes, next);
        Assert.InRange(longest, 1, 1 << 23);
        using var file = TorchFile.Open(folder.At("pieces.bin"));
        var last = new byte[1];
        file.Read("a", info.Bytes - 1, last);
        Assert.Equal(8, last[0]);
    }

    [Fact]
    public void WhatTorchCannotStoreIsRefusedAndLeavesTheOldFile()
    {
        var path = folder.Write("old.bin", "old");
        static TensorContent Empty(string name, DType dtype, long size) => new(new TensorInfo(name, dtype, [size]), (_, _) => throw new PeaException("asked for bytes"));

        Assert.Contains("'a' is given twice", Refusal(Empty("a", DType.F32, 1), Empty("a", DType.F32, 1)), StringComparison.Ordinal);
        Assert.Contains("'a' is [1] U16, which torch's files have no storage for", Refusal(Empty("a", DType.U16, 1)), StringComparison.Ordinal);
        Assert.Contains("less than 4 GiB", Refusal(Empty("a", DType.F32, 1L << 30)), StringComparison.Ordinal);
        Assert.Contains("at most 65000", Refusal([.. Enumerable.Range(0, 65_001).Select(i => Empty($"{i}", DType.U8, 0))]), StringComparison.Ordinal);
        Assert.Equal("asked for bytes", Refusal(Empty("a", DType.F32, 1)));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["old.bin"], folder.Files());

        string Refusal(params TensorContent[] tensors) => Assert.Throws<PeaException>(() => TorchWriter.Write(path, tensors)).Message;
    }

    [Theory]
    [InlineData("[]", "expected an object")]
    [InlineData("""{"a": 1}""", "expected a string")]
    [InlineData("{", "not valid JSON")]
    public void MetadataThatAreNoTextsAreRefused(string json, string expected)
    {
        var path = folder.At("bad.bin");
        File.WriteAllBytes(path, RawTorchFile.Archive(new Dictionary<string, object?>(), ("metadata.json", Encoding.UTF8.GetBytes(json))));
        var message = Assert.Throws<PeaException>(() => TorchFile.Open(path)).Message;
        Assert.StartsWith($"{path}: metadata.json", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }
}
