using System.IO.Compression;
using System.Text;

namespace PeaEngine.Diffusion.Images;

/// <summary>The chunks tEXt (Latin-1), zTXt (Latin-1, compressed) and iTXt (UTF-8).</summary>
static class PngTextChunk
{
    /// <summary>The most bytes that the texts of a file may inflate to.</summary>
    public const int MaxBytes = 1 << 22;

    static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Whether a chunk of this type holds a text.</summary>
    public static bool Is(string type) => type is "tEXt" or "zTXt" or "iTXt";

    /// <summary>Reads a chunk, inflating at most <paramref name="budget"/> bytes, which are taken from it.</summary>
    /// <exception cref="PeaException">The chunk is damaged or too large.</exception>
    public static PictureText Read(string type, ReadOnlySpan<byte> chunk, string name, ref int budget)
    {
        var keyword = Encoding.Latin1.GetString(Field(ref chunk, type, name));
        if (keyword.Length is 0 or > 79) throw new PeaException($"{name}: {type} has a keyword of {keyword.Length} characters, expected 1 to 79");
        var compressed = false;
        if (type == "iTXt") compressed = Byte(ref chunk, type, name) != 0;
        if (type != "tEXt" && Byte(ref chunk, type, name) is not 0 and var method)
            throw new PeaException($"{name}: {type} '{keyword}' has compression method {method}, expected 0");
        if (type == "iTXt")
        {
            // The language and the translated keyword.
            Field(ref chunk, type, name);
            Field(ref chunk, type, name);
        }
        var text = chunk;
        if (compressed || type == "zTXt") text = Inflate(chunk, type, keyword, name, budget);
        budget -= text.Length;
        if (budget < 0) throw new PeaException($"{name}: more than {MaxBytes} bytes of text, expected at most that");
        try
        {
            return new PictureText(keyword, (type == "iTXt" ? StrictUtf8 : Encoding.Latin1).GetString(text));
        }
        catch (DecoderFallbackException exception)
        {
            throw new PeaException($"{name}: {type} '{keyword}' is no UTF-8", exception);
        }
    }

    /// <summary>The type and data to store a text with: tEXt where Latin-1 has all its characters, else iTXt.</summary>
    /// <exception cref="PeaException">The keyword is none, or the text has a zero character or is too long.</exception>
    public static (string Type, byte[] Data) Write(PictureText text)
    {
        text.Check("PNG");
        var (keyword, value) = text;
        var latin = value.All(c => c <= '\u00ff');
        byte[] data =
        [
            .. Encoding.Latin1.GetBytes(keyword), 0,
            // Not compressed; no language, no translated keyword.
            .. latin ? (ReadOnlySpan<byte>)[] : [0, 0, 0, 0],
            .. (latin ? Encoding.Latin1 : Encoding.UTF8).GetBytes(value),
        ];
        if (data.Length > MaxBytes) throw new PeaException($"PNG text '{keyword}': {data.Length} bytes, expected at most {MaxBytes}");
        return (latin ? "tEXt" : "iTXt", data);
    }

    static ReadOnlySpan<byte> Field(ref ReadOnlySpan<byte> chunk, string type, string name)
    {
        var end = chunk.IndexOf((byte)0);
        if (end < 0) throw new PeaException($"{name}: {type} ends within a field, expected a zero byte");
        var field = chunk[..end];
        chunk = chunk[(end + 1)..];
        return field;
    }

    static byte Byte(ref ReadOnlySpan<byte> chunk, string type, string name)
    {
        if (chunk.IsEmpty) throw new PeaException($"{name}: {type} ends after its keyword");
        var value = chunk[0];
        chunk = chunk[1..];
        return value;
    }

    static byte[] Inflate(ReadOnlySpan<byte> data, string type, string keyword, string name, int budget)
    {
        try
        {
            using var inflater = new ZLibStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress);
            using var text = new MemoryStream();
            var buffer = new byte[4096];
            // One byte over the budget is enough to be refused.
            for (int got; text.Length <= budget && (got = inflater.Read(buffer)) > 0;) text.Write(buffer, 0, got);
            return text.ToArray();
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new PeaException($"{name}: {type} '{keyword}' cannot be inflated", exception);
        }
    }
}
