using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Data;

namespace PeaEngine.Train.Config;

/// <summary>Whether a YAML value is one of the type, and which.</summary>
delegate bool ConfigReader<T>(YamlNode node, [MaybeNullWhen(false)] out T value);

/// <summary>A type of values: how one is described, read and written.</summary>
/// <param name="Expected">As in "expected a whole number of 1 or more".</param>
/// <param name="TryRead">Reads a value.</param>
/// <param name="Write">The value as YAML that <paramref name="TryRead"/> reads back to the same.</param>
/// <param name="IsScalar">Whether a command line's text is the value as it stands, not YAML.</param>
sealed record ConfigType<T>(string Expected, ConfigReader<T> TryRead, Func<T, string> Write, bool IsScalar = true);

/// <summary>The types of a configuration's values.</summary>
static class ConfigTypes
{
    const string Null = "null";

    /// <summary>A text that is not empty.</summary>
    public static ConfigType<string> Text { get; } = new("a text", TryText, text => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"");

    /// <summary>true or false.</summary>
    public static ConfigType<bool> Flag { get; } = new("true or false", TryFlag, flag => flag ? "true" : "false");

    /// <summary>A picture's size, width first.</summary>
    public static ConfigType<PixelSize> Size { get; } = new("a size such as 640x640 (width first)", TrySize, size => size.ToString());

    /// <summary>A whole number between two, both included.</summary>
    public static ConfigType<int> Integer(int from, int to = int.MaxValue) => new(to == int.MaxValue ? $"a whole number of {from} or more" : $"a whole number from {from} to {to}",
        (node, out value) => TryScalar(node, out var text) & int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value) && value >= from && value <= to,
        value => value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A seed.</summary>
    public static ConfigType<ulong> Seed { get; } = new("a whole number of 0 or more",
        (node, out value) => TryScalar(node, out var text) & ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value),
        value => value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A finite number that <paramref name="accept"/> takes.</summary>
    public static ConfigType<double> Number(string expected, Predicate<double> accept) => new(expected,
        (node, out value) => TryScalar(node, out var text) & double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value) && accept(value),
        value => value.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant());

    /// <summary>A number above 0.</summary>
    public static ConfigType<double> AboveZero { get; } = Number("a number above 0", value => value > 0);

    /// <summary>A number of 0 or more.</summary>
    public static ConfigType<double> NotNegative { get; } = Number("a number of 0 or more", value => value >= 0);

    /// <summary>A share of a whole.</summary>
    public static ConfigType<double> Share { get; } = Number("a number from 0 to 1", value => value is >= 0 and <= 1);

    /// <summary>How much of an average stays in each step.</summary>
    public static ConfigType<double> Decay { get; } = Number("a number of 0 or more and below 1", value => value is >= 0 and < 1);

    /// <summary>A member of an enumeration, its words in lower case with underscores between.</summary>
    public static ConfigType<T> Choice<T>() where T : struct, Enum
    {
        var names = Enum.GetValues<T>().ToDictionary(value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));
        return new(string.Join(" or ", names.Keys), (node, out value) =>
        {
            value = default;
            return TryScalar(node, out var text) && names.TryGetValue(text, out value);
        }, value => names.First(pair => pair.Value.Equals(value)).Key);
    }

    /// <summary>A value, or null.</summary>
    public static ConfigType<T?> Optional<T>(ConfigType<T> type) where T : struct => new($"{type.Expected}, or null",
        (node, out value) =>
        {
            value = null;
            if (node is YamlScalar { IsNull: true }) return true;
            if (!type.TryRead(node, out var given)) return false;
            value = given;
            return true;
        }, value => value is { } given ? type.Write(given) : Null, type.IsScalar);

    /// <summary>A text, or null.</summary>
    public static ConfigType<string?> OptionalText { get; } = new($"{Text.Expected}, or null",
        (node, out value) =>
        {
            value = null;
            return node is YamlScalar { IsNull: true } || TryText(node, out value);
        }, value => value == null ? Null : Text.Write(value));

    /// <summary>A list, or one value in place of a list of one.</summary>
    public static ConfigType<IReadOnlyList<T>> List<T>(ConfigType<T> type) => new($"a list of: {type.Expected}",
        (YamlNode node, [MaybeNullWhen(false)] out IReadOnlyList<T> values) =>
        {
            var read = new List<T>();
            values = read;
            foreach (var item in node is YamlList list ? list.Items : [node])
            {
                if (!type.TryRead(item, out var value)) return false;
                read.Add(value);
            }
            return true;
        }, values => $"[{string.Join(", ", values.Select(type.Write))}]", IsScalar: false);

    /// <summary>Shards of one source, alone or with how often it is drawn from.</summary>
    public static ConfigType<DataSource> Source { get; } = new("shards, or {shards: .., weight: ..} with a number above 0", TrySource,
        source => $"{{shards: {List(Text).Write(source.Shards)}, weight: {AboveZero.Write(source.Weight)}}}", IsScalar: false);

    /// <summary>What samples must pass; what is not given is as published.</summary>
    public static ConfigType<SampleFilter?> Filter { get; } = new("{min_pixels: .., min_aesthetic: .., max_watermark: ..} with numbers of 0 or more, or null", TryFilter, filter => filter == null ? Null
        : $"{{min_pixels: {filter.MinPixels}, min_aesthetic: {NotNegative.Write(filter.MinAesthetic)}, max_watermark: {NotNegative.Write(filter.MaxWatermark)}}}", IsScalar: false);

    static bool TryScalar(YamlNode node, out string text)
    {
        text = node is YamlScalar scalar ? scalar.Text : "";
        return text.Length > 0;
    }

    static bool TrySource(YamlNode node, [MaybeNullWhen(false)] out DataSource value)
    {
        value = null;
        var weight = 1.0;
        if (node is YamlMap map)
        {
            if (map.Entries.Any(entry => entry.Key is not ("shards" or "weight"))) return false;
            if (map.Entries.FirstOrDefault(entry => entry.Key == "weight").Value is { } given && !AboveZero.TryRead(given, out weight)) return false;
            if (map.Entries.FirstOrDefault(entry => entry.Key == "shards").Value is not { } listed) return false;
            node = listed;
        }
        if (!List(Text).TryRead(node, out var shards) || shards.Count == 0) return false;
        value = new(shards, weight);
        return true;
    }

    static bool TryFilter(YamlNode node, out SampleFilter? value)
    {
        value = null;
        if (node is YamlScalar { IsNull: true }) return true;
        if (node is not YamlMap map) return false;
        var filter = new SampleFilter();
        foreach (var (key, given) in map.Entries)
        {
            if (!NotNegative.TryRead(given, out var number)) return false;
            switch (key)
            {
                case "min_pixels" when number == (long)number: filter = filter with { MinPixels = (long)number }; break;
                case "min_aesthetic": filter = filter with { MinAesthetic = number }; break;
                case "max_watermark": filter = filter with { MaxWatermark = number }; break;
                default: return false;
            }
        }
        value = filter;
        return true;
    }

    static bool TryText(YamlNode node, [MaybeNullWhen(false)] out string value)
    {
        value = node is YamlScalar { IsNull: false, Text.Length: > 0 } scalar ? scalar.Text : null;
        return value != null;
    }

    static bool TryFlag(YamlNode node, out bool value)
    {
        value = TryScalar(node, out var text) && text == "true";
        return text is "true" or "false";
    }

    static bool TrySize(YamlNode node, out PixelSize value)
    {
        value = default;
        if (!TryScalar(node, out var text) || text.Split('x') is not [var columns, var rows]) return false;
        if (!int.TryParse(columns, NumberStyles.None, CultureInfo.InvariantCulture, out var width) || !int.TryParse(rows, NumberStyles.None, CultureInfo.InvariantCulture, out var height)) return false;
        value = new(height, width);
        return width > 0 && height > 0;
    }
}
