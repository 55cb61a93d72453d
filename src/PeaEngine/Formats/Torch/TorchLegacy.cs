using System.Collections.ObjectModel;
using System.Globalization;

namespace PeaEngine.Formats;

/// <summary>
/// torch's format before the zip archive: pickles of a magic number, the format's version, the machine, the saved object and the storages'
/// keys, then each storage as its number of elements and its bytes, little endian.
/// </summary>
static class TorchLegacy
{
    const long Version = 1001;

    static readonly Int128 Magic = Int128.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>Finds the saved object and the storages.</summary>
    /// <exception cref="PeaException">The file is broken or not of this format.</exception>
    public static TorchContent Read(RandomAccessFile file)
    {
        var reader = new PickleReader(file, 0, file.Length);
        if (new PickleMachine(reader).Run() is not Int128 magic || magic != Magic) throw new PeaException($"{file.Path}: a pickle without torch's magic number, expected what torch.save writes");
        if (new PickleMachine(reader).Run() is not Version) throw reader.Broken($"another version of torch's legacy format, expected {Version}");
        new PickleMachine(reader).Run();
        var machine = new PickleMachine(reader);
        var root = machine.Run();
        if (new PickleMachine(reader).Run() is not List<object?> keys) throw reader.Broken("no list of the storages' keys, expected one");
        var storages = new Dictionary<string, ZipEntry>();
        foreach (var item in keys)
        {
            if (item is not string key || !machine.Storages.TryGetValue(key, out var storage)) throw reader.Broken("the key of a storage that no tensor has, expected those of the tensors");
            var elements = reader.Int64();
            if (elements != storage.FileElements) throw reader.Broken($"storage {Quoted.Of(key)} has {elements} elements, expected {storage.FileElements}");
            var bytes = elements * storage.Element.Bytes;
            if (!storages.TryAdd(key, new ZipEntry(reader.Position, bytes))) throw reader.Broken($"storage {Quoted.Of(key)} twice, expected every key once");
            reader.Skip(bytes);
        }
        return new TorchContent(root, storages, ReadOnlyDictionary<string, string>.Empty);
    }
}
