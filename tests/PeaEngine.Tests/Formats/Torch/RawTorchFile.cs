using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PeaEngine.Tests.Formats;

/// <summary>A name that a pickle gives.</summary>
sealed record PythonName(string Module, string Name);

/// <summary>A call that a pickle makes.</summary>
sealed record PythonCall(PythonName Function, params object?[] Arguments);

/// <summary>A persistent id that a pickle refers to.</summary>
sealed record PythonStorage(params object?[] Id);

/// <summary>Torch files of the test's own making.</summary>
static class RawTorchFile
{
    static readonly PythonName Rebuild = new("torch._utils", "_rebuild_tensor_v2");

    /// <summary>A view of the storage 'key', which has <paramref name="elements"/> of type <paramref name="type"/>.</summary>
    public static PythonCall Tensor(string key, long elements, long offset, long[] shape, long[] strides, string type = "FloatStorage") =>
        new(Rebuild, new PythonStorage("storage", new PythonName("torch", type), key, "cpu", elements), offset, Tuple(shape), Tuple(strides), false, null);

    /// <summary>A tuple.</summary>
    public static object?[] Tuple(params long[] numbers) => [.. numbers.Select(number => (object?)number)];

    /// <summary>Such an archive.</summary>
    public static byte[] Archive(object? root, params (string Name, byte[] Bytes)[] files)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, bytes) in files.Prepend(("data.pkl", Pickle(root))))
            {
                using var entry = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        return stream.ToArray();
    }

    /// <summary>An archive whose directory has every number in the 64-bit extension.</summary>
    public static byte[] Archive64(params (string Name, byte[] Bytes)[] files)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        var directory = new List<byte>();
        foreach (var (name, bytes) in files)
        {
            var (position, text) = (stream.Position, Encoding.UTF8.GetBytes(name));
            writer.Write([.. "PK\x3\x4"u8, 45, 0, .. new byte[20], (byte)text.Length, 0, 0, 0, .. text, .. bytes]);
            directory.AddRange([.. "PK\x1\x2"u8, 45, 0, 45, 0, .. new byte[12], .. Full(8), (byte)text.Length, 0, 28, 0, .. new byte[10], .. Full(4), .. text, 1, 0, 24, 0]);
            foreach (var number in new long[] { bytes.Length, bytes.Length, position }) directory.AddRange(BitConverter.GetBytes(number));
        }
        var (begin, end) = (stream.Position, stream.Position + directory.Count);
        writer.Write([.. directory, .. "PK\x6\x6"u8, 44, .. new byte[7], 45, 0, 45, 0, .. new byte[8]]);
        foreach (var number in new[] { files.Length, files.Length, directory.Count, begin }) writer.Write(number);
        writer.Write([.. "PK\x6\x7"u8, 0, 0, 0, 0, .. BitConverter.GetBytes(end), 1, 0, 0, 0, .. "PK\x5\x6"u8, 0, 0, 0, 0, .. Full(12), 0, 0]);
        return stream.ToArray();

        static byte[] Full(int count) => [.. Enumerable.Repeat((byte)255, count)];
    }

    /// <summary>Such a file of the legacy format.</summary>
    public static byte[] Legacy(object? root, params (string Key, int Elements, byte[] Bytes)[] storages)
    {
        var bytes = new List<byte>([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        foreach (var part in new[] { 1001L, new Dictionary<string, object?>(), root, new List<object?>(storages.Select(storage => storage.Key)) }) bytes.AddRange(Pickle(part));
        foreach (var (_, elements, content) in storages)
        {
            bytes.AddRange(BitConverter.GetBytes((long)elements));
            bytes.AddRange(content);
        }
        return [.. bytes];
    }

    /// <summary>A pickle of protocol 2.</summary>
    public static byte[] Pickle(object? root)
    {
        var bytes = new List<byte> { 0x80, 2 };
        Write(bytes, root);
        bytes.Add((byte)'.');
        return [.. bytes];
    }

    static void Write(List<byte> bytes, object? value)
    {
        switch (value)
        {
            case null: bytes.Add((byte)'N'); break;
            case bool flag: bytes.Add((byte)(flag ? 0x88 : 0x89)); break;
            case long number: bytes.AddRange([0x8a, 8, .. BitConverter.GetBytes(number)]); break;
            case string text: bytes.AddRange([(byte)'X', .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)]); break;
            case PythonName name: bytes.AddRange([(byte)'c', .. Encoding.UTF8.GetBytes($"{name.Module}\n{name.Name}\n")]); break;
            case PythonStorage storage: Write(bytes, storage.Id); bytes.Add((byte)'Q'); break;
            case PythonCall call: Write(bytes, call.Function); Write(bytes, call.Arguments); bytes.Add((byte)'R'); break;
            case Dictionary<string, object?> dictionary: Sequence("}(", dictionary.SelectMany(pair => new[] { pair.Key, pair.Value }), 'u'); break;
            case List<object?> list: Sequence("](", list, 'e'); break;
            case object?[] tuple: Sequence("(", tuple, 't'); break;
            default: throw new ArgumentException($"{value}: no form in a pickle");
        }

        void Sequence(string begin, IEnumerable<object?> items, char end)
        {
            bytes.AddRange(Encoding.ASCII.GetBytes(begin));
            foreach (var item in items) Write(bytes, item);
            bytes.Add((byte)end);
        }
    }

    /// <summary>Singles as bytes.</summary>
    public static byte[] Singles(params float[] values)
    {
        var bytes = new byte[values.Length * sizeof(float)];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), values[i]);
        return bytes;
    }
}
