using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PeaEngine.Formats;

/// <summary>Writes safetensors files as the reference crate lays them out: larger element types first, then by name, the header padded to 8 bytes.</summary>
public static class SafetensorsWriter
{
    const int HeaderAlignment = 8;

    /// <summary>The element types in the order of the file; the reference crate's.</summary>
    static readonly DType[] Order =
    [
        DType.U64, DType.I64, DType.F64, DType.F32, DType.U32, DType.I32, DType.BF16, DType.F16, DType.U16, DType.I16, DType.I8, DType.U8, DType.Bool,
    ];

    /// <summary>Writes a file; it appears whole or not at all (see <see cref="AtomicFile"/>). Tensors are asked for their bytes piece by piece.</summary>
    /// <exception cref="PeaException">A name is given twice or cannot be stored, a tensor cannot be read, or the file cannot be written.</exception>
    public static void Write(string path, IEnumerable<TensorContent> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = Sort(path, tensors);
        var header = Header(path, ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            var buffer = TensorContent.BufferFor(ordered);
            foreach (var tensor in ordered)
                foreach (var piece in tensor.Pieces(buffer)) stream.Write(piece.Span);
        });
    }

    /// <summary>The name of an element type in the file.</summary>
    public static string NameOf(DType dtype) => dtype == DType.Bool ? "BOOL" : dtype.ToString();

    static List<TensorContent> Sort(string path, IEnumerable<TensorContent> tensors)
    {
        var strict = new UTF8Encoding(false, throwOnInvalidBytes: true);
        var keyed = new List<(int Rank, byte[] Name, TensorContent Tensor)>();
        var names = new HashSet<string>();
        foreach (var tensor in tensors)
        {
            var name = tensor.Info.Name;
            if (name == SafetensorsHeader.MetadataKey) throw new PeaException($"{path}: a tensor named {name}, which the format reserves");
            if (!names.Add(name)) throw new PeaException($"{path}: tensor {Quoted.Of(name)} is given twice, expected every name once");
            try
            {
                keyed.Add((Array.IndexOf(Order, tensor.Info.DType), strict.GetBytes(name), tensor));
            }
            catch (EncoderFallbackException exception)
            {
                throw new PeaException($"{path}: tensor {Quoted.Of(name)} has a name with half a surrogate pair", exception);
            }
        }
        keyed.Sort((a, b) => a.Rank != b.Rank ? a.Rank.CompareTo(b.Rank) : a.Name.AsSpan().SequenceCompareTo(b.Name));
        return keyed.ConvertAll(item => item.Tensor);
    }

    static byte[] Header(string path, List<TensorContent> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata != null) WriteMetadata(json, metadata);
            Int128 position = 0;
            foreach (var (info, _) in tensors)
            {
                if (position + info.Bytes > long.MaxValue / 2) throw new PeaException($"{path}: the tensors have more than 2^62 bytes");
                WriteInfo(json, info, (long)position);
                position += info.Bytes;
            }
            json.WriteEndObject();
        }
        var bytes = (buffer.WrittenCount + HeaderAlignment - 1) / HeaderAlignment * HeaderAlignment;
        if (bytes > SafetensorsHeader.MaxBytes) throw new PeaException($"{path}: the header has {bytes} bytes, expected at most {SafetensorsHeader.MaxBytes}");
        var header = new byte[bytes];
        buffer.WrittenSpan.CopyTo(header);
        header.AsSpan(buffer.WrittenCount).Fill((byte)' ');
        return header;
    }

    static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafetensorsHeader.MetadataKey);
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
        json.WriteEndObject();
    }

    static void WriteInfo(Utf8JsonWriter json, TensorInfo info, long position)
    {
        json.WriteStartObject(info.Name);
        json.WriteString("dtype", NameOf(info.DType));
        json.WriteStartArray("shape");
        foreach (var extent in info.Shape) json.WriteNumberValue(extent);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(position);
        json.WriteNumberValue(position + info.Bytes);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
