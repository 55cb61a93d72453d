using System.Globalization;
using System.IO.Enumeration;

namespace PeaEngine.Train.Data;

/// <summary>The shards that a configuration names: files, globs, brace ranges and URLs.</summary>
public static class ShardList
{
    const int MaxShards = 1_000_000;

    /// <summary>Expands patterns, in their order: <c>{0000..0003}</c> and <c>{a,b}</c> everywhere, <c>*</c> and <c>?</c> in paths, those by name.</summary>
    /// <exception cref="OptionException">A pattern is malformed, or nothing is there that it names.</exception>
    public static IReadOnlyList<string> Expand(IEnumerable<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        var shards = new List<string>();
        foreach (var pattern in patterns)
        {
            foreach (var name in Braces(pattern, pattern))
            {
                if (ShardStream.IsUrl(name)) shards.Add(name);
                else if (name.AsSpan().IndexOfAny('*', '?') >= 0) shards.AddRange(Glob(name, pattern));
                else if (File.Exists(name)) shards.Add(name);
                else throw new OptionException($"shards: {Formats.Quoted.Of(pattern)}: no file {name}");
                if (shards.Count > MaxShards) throw new OptionException($"shards: {Formats.Quoted.Of(pattern)}: more than {MaxShards} shards");
            }
        }
        return shards.Count > 0 ? shards : throw new OptionException("shards: none is named, expected files, globs, brace ranges or URLs");
    }

    static IEnumerable<string> Braces(string rest, string pattern)
    {
        var open = rest.IndexOf('{');
        if (open < 0) return rest.Contains('}') ? throw Malformed(pattern) : [rest];
        var close = rest.IndexOf('}', open);
        if (close < 0 || rest.AsSpan((open + 1)..close).Contains('{') || rest.AsSpan(0, open).Contains('}')) throw Malformed(pattern);
        var choices = Choices(rest[(open + 1)..close], pattern);
        return choices.SelectMany(choice => Braces(rest[(close + 1)..], pattern).Select(end => rest[..open] + choice + end));
    }

    static IEnumerable<string> Choices(string inside, string pattern)
    {
        if (inside.Contains(',')) return inside.Split(',');
        if (inside.Split("..") is not [var from, var to] || !Whole(from, out var first) || !Whole(to, out var last)) throw Malformed(pattern);
        if (Math.Abs((long)last - first) >= MaxShards) throw new OptionException($"shards: {Formats.Quoted.Of(pattern)}: more than {MaxShards} shards");
        // As in a shell: a number that begins with 0 says how many digits there are.
        var width = from is ['0', _, ..] || to is ['0', _, ..] ? Math.Max(from.Length, to.Length) : 1;
        var step = last < first ? -1 : 1;
        return Enumerable.Range(0, Math.Abs(last - first) + 1).Select(i => (first + step * i).ToString($"D{width}", CultureInfo.InvariantCulture));
    }

    static bool Whole(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    static List<string> Glob(string path, string pattern)
    {
        var segments = path.Split('/', '\\');
        IEnumerable<string> found = [segments[0].Length == 0 ? "/" : ""];
        for (var i = segments[0].Length == 0 ? 1 : 0; i < segments.Length; i++)
        {
            var (segment, isLast) = (segments[i], i == segments.Length - 1);
            found = found.SelectMany(folder => Match(folder, segment, isLast)).ToList();
        }
        var shards = found.Order(StringComparer.Ordinal).ToList();
        return shards.Count > 0 ? shards : throw new OptionException($"shards: {Formats.Quoted.Of(pattern)}: no file has such a name");
    }

    static IEnumerable<string> Match(string folder, string segment, bool isLast)
    {
        if (segment.AsSpan().IndexOfAny('*', '?') < 0)
        {
            var path = Path.Combine(folder, segment);
            return (isLast ? File.Exists(path) : Directory.Exists(path)) ? [path] : [];
        }
        var entries = isLast ? Directory.EnumerateFiles(folder.Length == 0 ? "." : folder) : Directory.EnumerateDirectories(folder.Length == 0 ? "." : folder);
        return entries.Select(entry => Path.GetFileName(entry)).Where(name => FileSystemName.MatchesSimpleExpression(segment, name, ignoreCase: false)).Select(name => Path.Combine(folder, name));
    }

    static OptionException Malformed(string pattern) => new($"shards: {Formats.Quoted.Of(pattern)}, expected braces as in train-{{0000..0003}}.tar or {{a,b}}.tar");
}
