using System.Collections.ObjectModel;

namespace PeaEngine.Formats;

/// <summary>
/// torch's zip archive: a folder with <c>data.pkl</c>, <c>byteorder</c>, and the storages <c>data/0</c>, <c>data/1</c>, …. Files of <see cref="TorchWriter"/> may have
/// <c>metadata.json</c> too, an object of texts.
/// </summary>
static class TorchArchive
{
    public const string PickleName = "data.pkl", StorageFolder = "data/", ByteOrderName = "byteorder", Little = "little", MetadataName = "metadata.json";

    const int MaxMetadataBytes = 1 << 20;

    /// <summary>Finds the saved object and the storages.</summary>
    /// <exception cref="PeaException">The archive is broken or not one of <c>torch.save</c>.</exception>
    public static TorchContent Read(RandomAccessFile file)
    {
        var entries = ZipDirectory.Read(file);
        var pickles = entries.Keys.Where(name => name == PickleName || name.EndsWith($"/{PickleName}", StringComparison.Ordinal)).ToList();
        if (pickles is not [var pickle]) throw new PeaException($"{file.Path}: a zip archive with {pickles.Count} files {PickleName}, expected one, as torch.save writes it");
        var top = pickle[..^PickleName.Length];
        if (entries.ContainsKey($"{top}constants.pkl")) throw new PeaException($"{file.Path}: a TorchScript program, expected the tensors of a state dictionary");
        if (entries.TryGetValue(top + ByteOrderName, out var order) && new PickleReader(file, order.Position, order.Position + order.Bytes).Text(order.Bytes) is var found && found != Little)
            throw new PeaException($"{file.Path}: the byte order is {Quoted.Of(found)}, expected {Little}");
        var (position, bytes) = entries[pickle];
        var root = new PickleMachine(new PickleReader(file, position, position + bytes)).Run();
        var storages = top + StorageFolder;
        return new TorchContent(root, entries.Where(entry => entry.Key.StartsWith(storages, StringComparison.Ordinal)).ToDictionary(entry => entry.Key[storages.Length..], entry => entry.Value),
            entries.TryGetValue(top + MetadataName, out var notes) ? Notes(file, notes) : ReadOnlyDictionary<string, string>.Empty);
    }

    static Dictionary<string, string> Notes(RandomAccessFile file, ZipEntry entry)
    {
        if (entry.Bytes > MaxMetadataBytes) throw new PeaException($"{file.Path}: {MetadataName} has {entry.Bytes} bytes, expected at most {MaxMetadataBytes}");
        var bytes = new byte[entry.Bytes];
        file.Read(entry.Position, bytes);
        var json = JsonConfig.Parse(bytes, $"{file.Path}: {MetadataName}");
        return json.Keys.Distinct().ToDictionary(key => key, key => json.String(key));
    }
}
