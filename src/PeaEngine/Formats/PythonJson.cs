using System.Buffers;

namespace PeaEngine.Formats;

/// <summary>What Python's json writes beyond the standard: numbers that are not finite.</summary>
static class PythonJson
{
    /// <summary>The text with bare <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c> put in quotes, for a parser of standard JSON.</summary>
    public static ReadOnlyMemory<byte> QuoteNonFinite(ReadOnlySpan<byte> json)
    {
        var text = new ArrayBufferWriter<byte>(json.Length + 16);
        for (var i = 0; i < json.Length;)
        {
            var length = json[i] == '"' ? StringLength(json[i..]) : NonFiniteLength(json[i..]);
            if (length == 0 || json[i] == '"')
            {
                text.Write(json.Slice(i, Math.Max(length, 1)));
                i += Math.Max(length, 1);
                continue;
            }
            text.Write("\""u8);
            text.Write(json.Slice(i, length));
            text.Write("\""u8);
            i += length;
        }
        return text.WrittenMemory;
    }

    /// <summary>The number that a word means, if it is one of the three.</summary>
    public static double? NonFinite(string word) => word switch
    {
        "NaN" => double.NaN,
        "Infinity" => double.PositiveInfinity,
        "-Infinity" => double.NegativeInfinity,
        _ => null,
    };

    static int NonFiniteLength(ReadOnlySpan<byte> json) =>
        json.StartsWith("NaN"u8) ? 3 : json.StartsWith("Infinity"u8) ? 8 : json.StartsWith("-Infinity"u8) ? 9 : 0;

    static int StringLength(ReadOnlySpan<byte> json)
    {
        for (var i = 1; i < json.Length; i++)
        {
            if (json[i] == '\\') i++;
            else if (json[i] == '"') return i + 1;
        }
        return json.Length;
    }
}
