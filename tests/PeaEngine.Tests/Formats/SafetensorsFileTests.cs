using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

public sealed class SafetensorsFileTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(""" {}""", 0, "InvalidHeaderStart")]
    [InlineData("", 0, "InvalidHeaderDeserialization")]
    [InlineData("[1]", 0, "InvalidHeaderDeserialization")]
    [InlineData("{} {}", 0, "InvalidHeaderDeserialization")]
    [InlineData("{},", 0, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":[]}""", 0, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("""{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}}""", 8, "ValidationOverflow")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}""", 0, "ValidationOverflow")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[18446744073709551613,18446744073709551615]}}""", 2, "InvalidOffset")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "Duplicate")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "Duplicate")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""", 0, "Duplicate")]
    [InlineData("""{"__metadata__":"k"}""", 0, "Metadata")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", 8, "UnsupportedDType")]
    [InlineData("""{"a":{"dtype":"F8_E5M2","shape":[8],"data_offsets":[0,8]}}""", 8, "UnsupportedDType")]
    [InlineData("""{"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}""", 8, "InvalidHeaderDeserialization")]
    [InlineData("{}", 1, "MetadataIncompleteBuffer")]
    public void RefusesWhatTheFormatForbids(string header, int dataBytes, string rule)
    {
        var path = RawSafetensors.Write(folder, header, dataBytes);

        var exception = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));

        Assert.Equal(rule, exception.Rule);
    }

    [Fact]
    public void SaysThatF8IsNotSupported()
    {
        var path = RawSafetensors.Write(folder, """{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", 8);

        var exception = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));

        Assert.Contains("tensor 'a' has dtype 'F8_E4M3', which is not supported", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesDeepNesting()
    {
        var nested = new string('[', 100_000) + new string(']', 100_000);
        var path = RawSafetensors.Write(folder, $$"""{"a":{"extra":{{nested}} } }""");

        Assert.Equal("InvalidHeaderDeserialization", Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path)).Rule);
    }

    [Fact]
    public void TakesWhatTheFormatAllows()
    {
        // Tensors out of order, an empty one, a scalar, an unknown field, null metadata, padding.
        var path = RawSafetensors.Write(folder, """
            {"b":{"dtype":"F64","shape":[],"data_offsets":[2,10]},"e":{"dtype":"F32","shape":[4,0],"data_offsets":[2,2]},
            "a":{"shape":[2,1],"dtype":"BOOL","note":{"x":[1]},"data_offsets":[0,2]},"__metadata__":null}  
            """.Trim('\n'), 10);

        using var file = SafetensorsFile.Open(path);

        Assert.Equal(["a", "b", "e"], file.Tensors.Keys.Order());
        Assert.Equal(1, file.Tensors["b"].Elements);
        Assert.Equal(0, file.Tensors["e"].Bytes);
        Assert.Equal("[2,1] Bool", file.Tensors["a"].ToString());
        Assert.Empty(file.Metadata);
    }

    [Fact]
    public void ReadsTheEndOfATensorLargerThanTwoGigabytes()
    {
        const long bytes = (5L << 30) + 4;
        var header = $$"""{"small":{"dtype":"U8","shape":[3],"data_offsets":[{{bytes}},{{bytes + 3}}]},"big":{"dtype":"F32","shape":[{{bytes / 4}}],"data_offsets":[0,{{bytes}}]} }""";
        var path = RawSafetensors.Write(folder, header);
        using (var stream = new FileStream(path, FileMode.Open))
        {
            // The file is sparse: only its ends are on the disk.
            stream.SetLength(stream.Length + bytes + 3);
            stream.Position = stream.Length - 7;
            stream.Write([0, 0, 128, 63, 7, 8, 9]);
        }
        var before = GC.GetTotalAllocatedBytes();

        using var file = SafetensorsFile.Open(path);
        var end = new byte[8];
        file.Read("big", bytes - 8, end);
        var small = new byte[3];
        file.Read("small", 0, small);

        Assert.Equal([0, 0, 0, 0, 0, 0, 128, 63], end);
        Assert.Equal([7, 8, 9], small);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 50_000_000);
    }

    [Theory]
    [InlineData("a", -1, 1)]
    [InlineData("a", 0, 9)]
    [InlineData("a", 8, 1)]
    [InlineData("a", 9, 0)]
    [InlineData("a", long.MaxValue, 8)]
    [InlineData("nobody", 0, 1)]
    public void ReadsOnlyInsideATensor(string name, long offset, int count)
    {
        using var file = SafetensorsFile.Open(RawSafetensors.Write(folder, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 16));

        var exception = Assert.Throws<PeaException>(() => file.Read(name, offset, new byte[count]));

        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SaysWhatIsNotAFile()
    {
        Assert.Contains("no such file", Assert.Throws<PeaException>(() => SafetensorsFile.Open(folder.At("absent"))).Message, StringComparison.Ordinal);
        Assert.Contains("a folder", Assert.Throws<PeaException>(() => SafetensorsFile.Open(folder.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<PeaException>(() => SafetensorsFile.Open(""));
        Assert.Throws<PeaException>(() => SafetensorsFile.Open("a\0b"));
    }

    [Fact]
    public void NoticesAFileCutShortWhileOpen()
    {
        var path = RawSafetensors.Write(folder, """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8);
        using var file = SafetensorsFile.Open(path);
        using (var handle = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)) handle.SetLength(20);

        Assert.Throws<PeaException>(() => file.Read("a", 0, new byte[8]));
    }

    [Theory]
    [InlineData(new long[] { -1 })]
    [InlineData(new[] { 1L << 40, 1L << 40 })]
    [InlineData(new[] { 1L << 61 })]
    public void TensorInfoRefusesSizesThatOverflow(long[] shape) =>
        Assert.Throws<PeaException>(() => new TensorInfo("a", DType.F64, shape));
}
