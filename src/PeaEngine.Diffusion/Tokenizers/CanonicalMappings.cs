using System.Globalization;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Unicode's canonical decompositions, compositions and combining classes, from the embedded table.</summary>
sealed class CanonicalMappings
{
    readonly Dictionary<int, byte> classes = [];

    /// <summary>One step of decomposition; the second is 0 where there is only one.</summary>
    public Dictionary<int, (int First, int Second)> Decompositions { get; } = [];

    /// <summary>Pairs that compose.</summary>
    public Dictionary<(int First, int Second), int> Compositions { get; } = [];

    /// <summary>The canonical combining class, 0 for a starter.</summary>
    public byte ClassOf(int point) => point < 0x300 ? (byte)0 : classes.GetValueOrDefault(point);

    /// <summary>Reads the table; the file explains its lines.</summary>
    public static CanonicalMappings Load()
    {
        var mappings = new CanonicalMappings();
        foreach (var line in Lines("canonical-mappings.txt")) mappings.Add(line);
        return mappings;
    }

    /// <summary>The lines of an embedded table that are no remarks.</summary>
    public static IEnumerable<string> Lines(string name)
    {
        using var stream = typeof(CanonicalMappings).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the resource {name} is not embedded");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (line[0] != '#') yield return line;
    }

    void Add(ReadOnlySpan<char> line)
    {
        var space = line.IndexOf(' ');
        if (line[0] == '@')
        {
            var dash = line.IndexOf('-');
            var combining = byte.Parse(line[(space + 1)..], CultureInfo.InvariantCulture);
            for (int point = Hex(line[1..dash]), last = Hex(line[(dash + 1)..space]); point <= last; point++) classes[point] = combining;
            return;
        }
        var sign = line.IndexOfAny('=', '>');
        int composite = Hex(line[..sign]), first = Hex(space < 0 ? line[(sign + 1)..] : line[(sign + 1)..space]);
        var second = space < 0 ? 0 : Hex(line[(space + 1)..]);
        Decompositions[composite] = (first, second);
        if (line[sign] == '=') Compositions[(first, second)] = composite;
    }

    static int Hex(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
