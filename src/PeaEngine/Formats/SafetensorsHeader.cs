using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace PeaEngine.Formats;

/// <summary>The JSON header of a safetensors file: parsed and checked in the reference crate's order, under its error names.</summary>
sealed class SafetensorsHeader
{
    /// <summary>The largest header that the format allows, in bytes.</summary>
    public const long MaxBytes = 100_000_000;

    /// <summary>The key that holds the metadata instead of a tensor.</summary>
    public const string MetadataKey = "__metadata__";

    const string Deserialization = "InvalidHeaderDeserialization";

    static readonly SearchValues<byte> Whitespace = SearchValues.Create(" \t\r\n"u8);

    readonly string path;
    readonly List<Entry> entries = [];

    /// <summary>A tensor and its bytes' begin and end, counted from the end of the header.</summary>
    public readonly record struct Entry(TensorInfo Info, long Begin, long End);

    /// <summary>Parses <paramref name="json"/>, the header without its length, of a file with <paramref name="dataBytes"/> behind it.</summary>
    /// <exception cref="SafetensorsException">A rule is broken.</exception>
    public SafetensorsHeader(string path, ReadOnlySpan<byte> json, long dataBytes)
    {
        this.path = path;
        if (!Utf8.IsValid(json)) throw Broken("InvalidHeader", "the header is not UTF-8");
        if (!json.IsEmpty && Whitespace.Contains(json[0])) throw Broken("InvalidHeaderStart", "the header begins with white space, expected '{'");
        try
        {
            Parse(json);
        }
        catch (JsonException exception)
        {
            throw Broken(Deserialization, $"the header is not valid JSON at byte {exception.BytePositionInLine}");
        }
        catch (InvalidOperationException)
        {
            throw Broken(Deserialization, "the header has a string with half a surrogate pair");
        }
        Validate(dataBytes);
    }

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<Entry> Entries => entries;

    /// <summary>The file's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } = new Dictionary<string, string>();

    /// <summary>Which supported type a name means, if any.</summary>
    public static DType? FindDType(string name) => name switch
    {
        "F64" => DType.F64,
        "F32" => DType.F32,
        "F16" => DType.F16,
        "BF16" => DType.BF16,
        "I64" => DType.I64,
        "I32" => DType.I32,
        "I16" => DType.I16,
        "I8" => DType.I8,
        "U64" => DType.U64,
        "U32" => DType.U32,
        "U16" => DType.U16,
        "U8" => DType.U8,
        "BOOL" => DType.Bool,
        _ => null,
    };

    void Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Broken(Deserialization, "the header is not a JSON object");
        var names = new HashSet<string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name)) throw Broken("Duplicate", $"the header has {Quoted.Of(name)} twice, expected every name once");
            reader.Read();
            if (name == MetadataKey) ParseMetadata(ref reader);
            else entries.Add(ParseTensor(ref reader, name));
        }
        reader.Read();
    }

    void ParseMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null) return;
        if (reader.TokenType != JsonTokenType.StartObject) throw Broken("Metadata", $"{MetadataKey} is not an object, expected a map of strings");
        var metadata = new Dictionary<string, string>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                throw Broken("Metadata", $"{MetadataKey} has {Quoted.Of(key)} with a value that is not a string, expected a map of strings");
            if (!metadata.TryAdd(key, reader.GetString()!)) throw Broken("Duplicate", $"{MetadataKey} has {Quoted.Of(key)} twice, expected every key once");
        }
        Metadata = metadata;
    }

    Entry ParseTensor(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Broken(Deserialization, $"tensor {Quoted.Of(name)} is not an object, expected dtype, shape and data_offsets");
        DType? dtype = null;
        List<ulong>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = reader.GetString()!;
            var isTwice = field switch { "dtype" => dtype != null, "shape" => shape != null, "data_offsets" => offsets != null, _ => false };
            if (isTwice) throw Broken("Duplicate", $"tensor {Quoted.Of(name)} has {field} twice, expected it once");
            reader.Read();
            switch (field)
            {
                case "dtype": dtype = ParseDType(ref reader, name); break;
                case "shape": shape = ParseNumbers(ref reader, name, field); break;
                case "data_offsets": offsets = ParseNumbers(ref reader, name, field); break;
                default: reader.Skip(); break;
            }
        }
        if (dtype == null || shape == null || offsets == null)
            throw Broken(Deserialization, $"tensor {Quoted.Of(name)} lacks one of dtype, shape and data_offsets");
        if (offsets.Count != 2) throw Broken(Deserialization, $"tensor {Quoted.Of(name)} has {offsets.Count} data_offsets, expected 2");
        return Check(name, dtype.Value, shape, offsets[0], offsets[1]);
    }

    DType ParseDType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String) throw Broken(Deserialization, $"tensor {Quoted.Of(name)} has a dtype that is not a string");
        var text = reader.GetString()!;
        if (FindDType(text) is { } dtype) return dtype;
        const string expected = "expected F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8 or BOOL";
        if (text.StartsWith("F8_", StringComparison.Ordinal) || text is "F4" or "F6_E2M3" or "F6_E3M2" or "C64")
            throw Broken("UnsupportedDType", $"tensor {Quoted.Of(name)} has dtype {Quoted.Of(text)}, which is not supported, {expected}");
        throw Broken(Deserialization, $"tensor {Quoted.Of(name)} has the unknown dtype {Quoted.Of(text)}, {expected}");
    }

    List<ulong> ParseNumbers(ref Utf8JsonReader reader, string name, string field)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Broken(Deserialization, $"tensor {Quoted.Of(name)} has a {field} that is not a list");
        var numbers = new List<ulong>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetUInt64(out var number))
                throw Broken(Deserialization, $"tensor {Quoted.Of(name)} has a {field} with {Quoted.Of(Encoding.UTF8.GetString(reader.ValueSpan))}, expected whole numbers from 0 to 2^64 - 1");
            numbers.Add(number);
        }
        return numbers;
    }

    /// <summary>Shape and offsets as numbers that later arithmetic cannot overflow.</summary>
    Entry Check(string name, DType dtype, List<ulong> shape, ulong begin, ulong end)
    {
        var bits = 1UL;
        try
        {
            foreach (var extent in shape) bits = checked(bits * extent);
            bits = checked(bits * (ulong)dtype.SizeInBytes() * 8);
            var extents = shape.ConvertAll(extent => checked((long)extent));
            if (end < begin) throw Broken("InvalidOffset", $"tensor {Quoted.Of(name)} has data_offsets [{begin}, {end}], expected the end not before the begin");
            if (end > long.MaxValue) throw Broken("InvalidOffset", $"tensor {Quoted.Of(name)} ends at byte {end}, expected less than 2^63");
            if (end - begin != bits / 8)
                throw Broken("TensorInvalidInfo", $"tensor {Quoted.Of(name)} has {end - begin} bytes, expected {bits / 8} for [{string.Join(',', shape)}] {dtype}");
            return new Entry(new TensorInfo(name, dtype, extents), (long)begin, (long)end);
        }
        catch (OverflowException)
        {
            throw Broken("ValidationOverflow", $"tensor {Quoted.Of(name)} has the shape [{string.Join(',', shape)}], expected a size below 2^63 bits");
        }
    }

    /// <summary>Every byte behind the header belongs to exactly one tensor.</summary>
    void Validate(long dataBytes)
    {
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        var position = 0L;
        foreach (var (info, begin, end) in entries)
        {
            if (begin != position) throw Broken("InvalidOffset", $"tensor {Quoted.Of(info.Name)} begins at byte {begin} of the data, expected {position}");
            position = end;
        }
        if (position != dataBytes) throw Broken("MetadataIncompleteBuffer", $"{dataBytes} bytes follow the header, expected {position}");
    }

    SafetensorsException Broken(string rule, string detail) => new(path, rule, detail);
}
