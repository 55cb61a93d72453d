using System.Globalization;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Unicode's compatibility decompositions, from the embedded table; the file explains its lines.</summary>
static class CompatibilityMappings
{
    /// <summary>Code points and what they decompose to, in full.</summary>
    public static Dictionary<int, int[]> Load()
    {
        var decompositions = new Dictionary<int, int[]>();
        foreach (var line in CanonicalMappings.Lines("compatibility-mappings.txt"))
        {
            int equals = line.IndexOf('='), dash = line.IndexOf('-');
            var first = Hex(line[..(dash < 0 ? equals : dash)]);
            var points = Array.ConvertAll(line[(equals + 1)..].Split(' '), Hex);
            var last = dash < 0 ? first : Hex(line[(dash + 1)..equals]);
            for (var point = first; point <= last; point++) decompositions[point] = dash < 0 ? points : [points[0] + point - first];
        }
        return decompositions;
    }

    static int Hex(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
