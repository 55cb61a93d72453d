using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class SafetensorsWriterTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EveryDTypeComesBack()
    {
        var random = new Random(1);
        var tensors = Enum.GetValues<DType>().Select((dtype, i) =>
        {
            var info = new TensorInfo($"layer.{i}.ключ \"{dtype}\"\n", dtype, [i, 3]);
            var bytes = new byte[info.Bytes];
            random.NextBytes(bytes);
            return (info, bytes);
        }).ToList();
        var path = folder.At("all.safetensors");

        SafetensorsWriter.Write(path, tensors.Select(tensor => TensorContent.FromBytes(tensor.info, tensor.bytes)), new Dictionary<string, string> { ["format"] = "pt", ["名"] = "a\"b\\" });

        using var file = SafetensorsFile.Open(path);
        Assert.Equal(tensors.Count, file.Tensors.Count);
        foreach (var (info, bytes) in tensors)
        {
            Assert.Equal((info.DType, info.ToString()), (file.Tensors[info.Name].DType, file.Tensors[info.Name].ToString()));
            var read = new byte[bytes.Length];
            file.Read(info.Name, 0, read);
            Assert.Equal(bytes, read);
        }
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("a\"b\\", file.Metadata["名"]);
        Assert.Equal(["all.safetensors"], folder.Files());
    }

    [Fact]
    public void LaysTheFileOutAsTheReferenceDoes()
    {
        var path = folder.At("layout.safetensors");
        TensorContent Half(string name) => TensorContent.FromBytes(new TensorInfo(name, DType.F16, [1]), new byte[] { 1, 2 });

        SafetensorsWriter.Write(path, [Half("a"), TensorContent.FromSingles("z", [1], new[] { 1f }), Half("B")], new Dictionary<string, string> { ["k"] = "v" });

        const string header = """{"__metadata__":{"k":"v"},"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"B":{"dtype":"F16","shape":[1],"data_offsets":[4,6]},"a":{"dtype":"F16","shape":[1],"data_offsets":[6,8]}}""";
        var bytes = File.ReadAllBytes(path);
        var headerBytes = BitConverter.ToInt32(bytes);
        Assert.Equal((header.Length + 7) / 8 * 8, headerBytes);
        Assert.Equal(header.PadRight(headerBytes), Encoding.UTF8.GetString(bytes, 8, headerBytes));
        Assert.Equal([0, 0, 128, 63, 1, 2, 1, 2], bytes[(8 + headerBytes)..]);
    }

    [Fact]
    public void CopiesAGoldenFileByteForByte()
    {
        var golden = Path.Combine(Repository.Root, "tests", "golden", "unet", "sd15", "diffusion_pytorch_model.safetensors");
        var path = folder.At("copy.safetensors");
        using var source = SafetensorsFile.Open(golden);

        SafetensorsWriter.Write(path, source.Tensors.Keys.Select(name => TensorContent.FromSource(source, name)), source.Metadata);

        Assert.True(File.ReadAllBytes(golden).AsSpan().SequenceEqual(File.ReadAllBytes(path)));
    }

    [Fact]
    public void AsksForLargeTensorsInPieces()
    {
        var info = new TensorInfo("a", DType.U8, [9_000_001]);
        var (next, longest) = (0L, 0);
        var path = folder.At("pieces.safetensors");

        SafetensorsWriter.Write(path, [new TensorContent(info, (offset, destination) =>
        {
            Assert.Equal(next, offset);
            next += destination.Length;
            longest = Math.Max(longest, destination.Length);
            destination.Fill((byte)(offset >> 20));
        })]);

        Assert.Equal(info.Bytes, next);
        Assert.InRange(longest, 1, 1 << 23);
        using var file = SafetensorsFile.Open(path);
        var last = new byte[1];
        file.Read("a", info.Bytes - 1, last);
        Assert.Equal(8, last[0]);
    }

    [Fact]
    public void ASourceThatFailsHalfWayLeavesTheOldFile()
    {
        var path = folder.Write("old.safetensors", "old");
        var info = new TensorInfo("a", DType.U8, [20_000_000]);
        var failing = new TensorContent(info, (offset, _) =>
        {
            if (offset > 0) throw new PeaException("the source is gone");
        });

        Assert.Equal("the source is gone", Assert.Throws<PeaException>(() => SafetensorsWriter.Write(path, [failing])).Message);
        Assert.Throws<PeaException>(() => SafetensorsWriter.Write(folder.At("new.safetensors"), [failing]));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal(["old.safetensors"], folder.Files());
    }

    [Fact]
    public void RefusesNamesThatCannotBeStored()
    {
        TensorContent One(string name) => TensorContent.FromSingles(name, [1], new[] { 1f });

        Assert.Throws<PeaException>(() => SafetensorsWriter.Write(folder.At("x"), [One("a"), One("a")]));
        Assert.Throws<PeaException>(() => SafetensorsWriter.Write(folder.At("x"), [One("__metadata__")]));
        Assert.Throws<PeaException>(() => SafetensorsWriter.Write(folder.At("x"), [One("\ud800")]));
        Assert.Throws<PeaException>(() => TensorContent.FromSingles("a", [2], new[] { 1f }));
        Assert.Throws<PeaException>(() => TensorContent.FromBytes(new TensorInfo("a", DType.F32, [1]), new byte[3]));
        Assert.Empty(folder.Files());
    }
}
