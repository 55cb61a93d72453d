using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PeaEngine.Formats;

/// <summary>
/// Writes files as <c>torch.save</c> does: a dictionary of tensors in a zip archive, which <c>torch.load</c> reads, also with <c>weights_only</c>. The bytes follow
/// from the tensors alone.
/// </summary>
/// <remarks>torch/serialization.py</remarks>
public static class TorchWriter
{
    const string Top = "archive/";
    const int MaxTensors = 65_000, OtherFiles = 6;

    /// <summary>Writes a file; it appears whole or not at all (see <see cref="AtomicFile"/>). Tensors are asked for their bytes piece by piece.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">In the order of the dictionary.</param>
    /// <param name="metadata">Notes beside the tensors, which torch passes over and <see cref="TorchFile"/> reads.</param>
    /// <exception cref="PeaException">
    /// A name is given twice, torch has no storage of an element type, the file would have 4 GiB or more, a tensor cannot be read, or the file cannot be written.
    /// </exception>
    public static void Write(string path, IEnumerable<TensorContent> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        List<TensorContent> contents = [.. tensors];
        var names = new HashSet<string>();
        foreach (var (info, _) in contents)
            if (!names.Add(info.Name)) throw new PeaException($"{path}: tensor {Quoted.Of(info.Name)} is given twice, expected every name once");
        var pickle = StateDictionaryPickle.Of([.. contents.Select(tensor => tensor.Info)]);
        var notes = metadata is { Count: > 0 } ? Json(metadata) : [];
        var bytes = contents.Aggregate((Int128)pickle.Length + notes.Length + OtherFiles * ZipWriter.BytesBeside, (sum, tensor) => sum + tensor.Info.Bytes + ZipWriter.BytesBeside);
        if (bytes > uint.MaxValue || contents.Count > MaxTensors)
            throw new PeaException($"{path}: {contents.Count} tensors, {bytes} bytes in all, expected at most {MaxTensors} and less than 4 GiB in a torch file; safetensors takes more");
        AtomicFile.Write(path, stream =>
        {
            using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
            var zip = new ZipWriter(writer);
            zip.Add(Top + TorchArchive.PickleName, pickle);
            zip.Add($"{Top}.format_version", "1"u8.ToArray());
            zip.Add($"{Top}.storage_alignment", "64"u8.ToArray());
            zip.Add(Top + TorchArchive.ByteOrderName, Encoding.ASCII.GetBytes(TorchArchive.Little));
            if (notes.Length > 0) zip.Add(Top + TorchArchive.MetadataName, notes);
            var buffer = TensorContent.BufferFor(contents);
            for (var i = 0; i < contents.Count; i++) zip.Add($"{Top}{TorchArchive.StorageFolder}{i}", contents[i].Pieces(buffer));
            zip.Add($"{Top}version", "3\n"u8.ToArray());
            zip.End();
        });
    }

    static byte[] Json(IReadOnlyDictionary<string, string> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
