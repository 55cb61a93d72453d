using System.Security.Cryptography;
using System.Text.Json;
using PeaEngine.Formats;

namespace PeaEngine.Train.Checkpoints;

/// <summary>The list of a checkpoint's files with their SHA-256: written last, so that a folder that has it was finished.</summary>
static class CheckpointManifest
{
    const string Name = "manifest.json";

    /// <summary>Flushes every file of a folder to the disk, and writes the list.</summary>
    public static void Write(string folder)
    {
        var hashes = Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(file => (Name: Path.GetFileName(file), Hash: Flush(file))).ToList();
        AtomicFile.Write(Path.Combine(folder, Name), stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteStartObject("files");
            foreach (var (name, hash) in hashes) json.WriteString(name, hash);
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>Compares every file with the list.</summary>
    /// <exception cref="PeaException">There is no list, or a file is missing or another.</exception>
    public static void Verify(string folder)
    {
        var path = Path.Combine(folder, Name);
        foreach (var (name, hash) in JsonConfig.Load(path).StringMap("files"))
        {
            if (name != Path.GetFileName(name)) throw new PeaException($"{path}: file {Quoted.Of(name)}, expected a name without folders");
            var file = Path.Combine(folder, name);
            try
            {
                using var stream = File.OpenRead(file);
                if (Hash(stream) != hash) throw new PeaException($"{file}: not the bytes that were written, expected those of SHA-256 {Quoted.Of(hash)}");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new PeaException($"{file}: {exception.Message.ReplaceLineEndings(" ")}, expected a file of a checkpoint", exception);
            }
        }
    }

    /// <summary>Takes the list away, so that a folder that is about to be deleted is no checkpoint any more.</summary>
    public static void Delete(string folder) => File.Delete(Path.Combine(folder, Name));

    static string Flush(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Flush(flushToDisk: true);
        return Hash(stream);
    }

    static string Hash(Stream stream) => Convert.ToHexStringLower(SHA256.HashData(stream));
}
