using PeaEngine.Formats;
using static PeaEngine.Tests.Formats.RawTorchFile;

namespace PeaEngine.Tests.Formats;

public sealed class TorchFileTests : IDisposable
{
    static readonly float[] Numbers = [.. Enumerable.Range(0, 24).Select(i => (float)i)];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    string Write(byte[] bytes)
    {
        File.WriteAllBytes(folder.At("raw.pt"), bytes);
        return folder.At("raw.pt");
    }

    string Write(object? root, int elements = 24) => Write(Archive(root, ("data/0", Singles(Numbers[..elements]))));

    static Dictionary<string, object?> Dictionary(params (string Key, object? Value)[] entries) => entries.ToDictionary(entry => entry.Key, entry => entry.Value);

    string Refusal(byte[] bytes)
    {
        var path = Write(bytes);
        var message = Assert.Throws<PeaException>(() => TorchFile.Open(path)).Message;
        Assert.StartsWith($"{path}: ", message, StringComparison.Ordinal);
        return message;
    }

    static float[] Values(string path, string name)
    {
        using var tensors = new GoldenTensors(TorchFile.Open(path));
        return tensors[name].Values;
    }

    [Theory]
    [InlineData(new long[] { 2, 3, 4 }, new long[] { 12, 4, 1 }, 0)]
    [InlineData(new long[] { 4, 3, 2 }, new long[] { 1, 4, 12 }, 0)]
    [InlineData(new long[] { 3, 2, 4 }, new long[] { 4, 12, 1 }, 0)]
    [InlineData(new long[] { 2, 1, 2, 3 }, new long[] { 12, 99, 6, 2 }, 1)]
    [InlineData(new long[] { 3, 4 }, new long[] { 0, 5 }, 2)]
    [InlineData(new long[] { 1, 1 }, new long[] { 7, 7 }, 23)]
    [InlineData(new long[] { }, new long[] { }, 23)]
    [InlineData(new long[] { 0, 1 << 20 }, new long[] { 1 << 20, 1 }, 24)]
    public void GathersViews(long[] shape, long[] strides, long offset)
    {
        var path = Write(Dictionary(("view", Tensor("0", 24, offset, shape, strides))));
        var expected = new List<long> { offset };
        for (var i = 0; i < shape.Length; i++) expected = [.. expected.SelectMany(place => Enumerable.Range(0, (int)Math.Min(shape[i], 99)).Select(index => place + index * strides[i]))];

        Assert.Equal(expected.Select(place => (float)place), Values(path, "view"));
    }

    [Fact]
    public void NamesNestedTensorsByTheirPath()
    {
        var tensor = Tensor("0", 24, 0, [2], [1]);
        var path = Write(Dictionary(("a", tensor), ("epoch", 3L), ("model", Dictionary(("b.c", tensor), ("names", new List<object?> { tensor }), ("inner", Dictionary(("d", tensor)))))));

        using var file = TorchFile.Open(path);

        Assert.Equal(["a", "model.b.c", "model.inner.d"], file.Tensors.Keys.Order());
    }

    [Fact]
    public void TakesTheStateDictionaryAlone()
    {
        var tensor = Tensor("0", 24, 0, [2], [1]);
        var path = Write(Dictionary(("optimizer", Dictionary(("x", tensor))), ("state_dict", new PythonCall(new("collections", "OrderedDict"), new List<object?> { new object?[] { "w", tensor } }))));

        using var file = TorchFile.Open(path);

        Assert.Equal(["w"], file.Tensors.Keys);
    }

    [Fact]
    public void ReadsPartsOfStoragesInTheLegacyFormat()
    {
        var whole = Tensor("7", 24, 0, [24], [1]);
        var id = new PythonStorage("storage", new PythonName("torch.cuda", "FloatStorage"), "7", "cuda:0", 24L, new object?[] { "8", 10L, 4L });
        var part = new PythonCall(new("torch._utils", "_rebuild_tensor"), id, 1L, Tuple(3), Tuple(1));
        var path = Write(Legacy(Dictionary(("whole", whole), ("part", part)), ("7", 24, Singles(Numbers))));

        Assert.Equal(Numbers, Values(path, "whole"));
        Assert.Equal([11, 12, 13], Values(path, "part"));
    }

    [Fact]
    public void ReadsTypesWithoutAStorageClass()
    {
        var storage = new PythonStorage("storage", new PythonName("torch.storage", "UntypedStorage"), "0", "cpu", 96L);
        var typed = new PythonCall(new("torch._utils", "_rebuild_tensor_v3"), storage, 3L, Tuple(2, 2), Tuple(1, 2), false, null, new PythonName("torch", "uint16"));
        var attributed = new PythonCall(new("torch._tensor", "_rebuild_from_type_v2"), new PythonName("torch._utils", "_rebuild_tensor_v3"), new PythonName("torch", "Tensor"), typed.Arguments, Dictionary());
        var path = Write(Dictionary(("u", typed), ("a", attributed)));

        using var file = TorchFile.Open(path);
        var bytes = new byte[8];
        file.Read("u", 0, bytes);

        var all = Singles(Numbers);
        Assert.Equal("[2,2] U16", file.Tensors["u"].ToString());
        Assert.Equal("[2,2] U16", file.Tensors["a"].ToString());
        Assert.Equal([.. all[6..8], .. all[10..12], .. all[8..10], .. all[12..14]], bytes);
    }

    /// <summary>As Python pickles them in protocol 2: a set, bytes, a device and a numpy number.</summary>
    [Fact]
    public void PassesOverHarmlessObjectsOfTrainingStates()
    {
        var number = new PythonCall(new("numpy.core.multiarray", "scalar"), new PythonCall(new("numpy", "dtype"), "f8", false, true), new PythonCall(new("_codecs", "encode"), "x", "latin1"));
        var path = Write(Dictionary(
            ("w", Tensor("0", 24, 0, [2], [1])), ("best", number), ("device", new PythonCall(new("torch", "device"), "cuda", 0L)),
            ("seen", new PythonCall(new("__builtin__", "set"), new List<object?> { 1L })), ("size", new PythonCall(new("torch", "Size"), (object?)Tuple(2, 3)))));

        using var file = TorchFile.Open(path);

        Assert.Equal(["w"], file.Tensors.Keys);
    }

    /// <summary>Every size and place in the 64-bit extension, as in a file of more than 4 GiB.</summary>
    [Fact]
    public void ReadsArchivesWithThe64BitExtension()
    {
        var path = Write(Archive64(("a/data.pkl", Pickle(Dictionary(("w", Tensor("0", 24, 0, [24], [1]))))), ("a/data/0", Singles(Numbers))));

        Assert.Equal(Numbers, Values(path, "w"));
        for (var length = new FileInfo(path).Length - 1; length > 0; length -= 3)
        {
            using (var cut = File.OpenWrite(path)) cut.SetLength(length);
            Assert.Throws<PeaException>(() => TorchFile.Open(path));
        }
    }

    [Fact]
    public void ASharedOrEndlessDictionaryIsVisitedOnce()
    {
        // d = {}; d["a"] = d; d["t"] = the tensor.
        var pickle = new List<byte>([0x80, 2, (byte)'}', (byte)'q', 0, .. Pickle("a")[2..^1], (byte)'h', 0, (byte)'s']);
        pickle.AddRange([.. Pickle("t")[2..^1], .. Pickle(Tensor("0", 24, 0, [2], [1]))[2..^1], (byte)'s', (byte)'.']);
        var bytes = Archive(null, ("data/0", Singles(Numbers)));

        using var file = TorchFile.Open(Write(WithPickle(bytes, [.. pickle])));

        Assert.Equal(["t"], file.Tensors.Keys);
    }

    /// <summary>An archive with another pickle; System.IO.Compression is an independent writer.</summary>
    static byte[] WithPickle(byte[] archive, byte[] pickle)
    {
        using var stream = new MemoryStream();
        stream.Write(archive);
        using (var zip = new System.IO.Compression.ZipArchive(stream, System.IO.Compression.ZipArchiveMode.Update, leaveOpen: true))
        {
            zip.GetEntry("archive/data.pkl")!.Delete();
            using var entry = zip.CreateEntry("archive/data.pkl", System.IO.Compression.CompressionLevel.NoCompression).Open();
            entry.Write(pickle);
        }
        return stream.ToArray();
    }

    [Fact]
    public void RefusesWhatItCannotRead()
    {
        byte[] data = Singles(Numbers);
        Assert.Contains("a tensor without a name was saved", Refusal(Archive(Tensor("0", 24, 0, [2], [1]), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("storage '1' of tensor 'w' is missing", Refusal(Archive(Dictionary(("w", Tensor("1", 24, 0, [2], [1]))), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("tensor 'w' is of torch's complex64, which is not supported", Refusal(Archive(Dictionary(("w", Tensor("0", 12, 0, [2], [1], "ComplexFloatStorage"))), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("a view of fewer elements, expected no more than the file's", Refusal(Archive(Dictionary(("w", Tensor("0", 24, 0, [1L << 40], [0]))), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("expected it within the 24 of its storage", Refusal(Archive(Dictionary(("w", Tensor("0", 24, 22, [3], [1]))), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("expected it within the 24 of its storage", Refusal(Archive(Dictionary(("w", Tensor("0", 24, 0, [long.MaxValue, long.MaxValue], [long.MaxValue, long.MaxValue]))), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("with the extent -1", Refusal(Archive(Dictionary(("w", Tensor("0", 24, 0, [-1], [1]))), ("data/0", data))), StringComparison.Ordinal);
        Assert.Contains("the byte order is 'big', expected little", Refusal(Archive(Dictionary(), ("byteorder", "big"u8.ToArray()))), StringComparison.Ordinal);
        Assert.Contains("a TorchScript program", Refusal(Archive(Dictionary(), ("constants.pkl", []))), StringComparison.Ordinal);
        Assert.Contains("'data.pkl'"[1..^1], Refusal(Archive(Dictionary(), ("inner/data.pkl", []))), StringComparison.Ordinal);
        Assert.Contains("'torch.nn.modules.linear.Linear', which is not on the list", Refusal(Archive(new PythonCall(new("torch.nn.modules.linear", "Linear")))), StringComparison.Ordinal);
        Assert.Contains("a call of something that is not a function", Refusal(Archive(new PythonCall(new("torch", "FloatStorage")))), StringComparison.Ordinal);
        Assert.Contains("storage '0' has 3 elements, expected 24", Refusal(Legacy(Dictionary(("w", Tensor("0", 24, 0, [2], [1]))), ("0", 3, data))), StringComparison.Ordinal);
        Assert.Contains("96 bytes are claimed, expected at most the 4 left", Refusal(Legacy(Dictionary(("w", Tensor("0", 24, 0, [2], [1]))), ("0", 24, data[..4]))), StringComparison.Ordinal);
        Assert.Contains("no torch file", Refusal(RawSafetensors.Bytes("{}")), StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<PeaException>(() => TorchFile.Open(folder.At("absent"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesThatMultiplyAreRefused()
    {
        // A long key before those of many tensors: a megabyte of names for each.
        var tensor = Tensor("0", 24, 0, [2], [1]);
        var many = Enumerable.Range(0, 4000).ToDictionary(i => $"{i}", _ => (object?)tensor);

        var message = Refusal(Archive(Dictionary((new string('x', 1 << 20), many)), ("data/0", Singles(Numbers))));

        Assert.Contains("the names of the tensors take more than 16 times the file's", message, StringComparison.Ordinal);
    }
}
