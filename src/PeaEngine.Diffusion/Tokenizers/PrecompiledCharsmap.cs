using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// The compiled rules of a SentencePiece normalizer: a double array (darts-clone) from what is replaced to the place of its replacement
/// in a list of texts, each ended by a zero.
/// </summary>
sealed class PrecompiledCharsmap
{
    const int LongestReplacement = 1 << 10;

    readonly string path;
    readonly uint[] units;
    readonly byte[] replacements;

    /// <summary>Reads rules.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="blob">The bytes of the double array in four, the double array, the replacements.</param>
    /// <exception cref="PeaException">It is not that.</exception>
    public PrecompiledCharsmap(string path, ReadOnlySpan<byte> blob)
    {
        this.path = path;
        var bytes = blob.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(blob) : uint.MaxValue;
        if (bytes > blob.Length - 4 || bytes % 4 != 0) throw new PeaException($"{path}: a normalizer of {blob.Length} bytes, expected a double array and its texts");
        units = new uint[bytes / 4];
        for (var i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 + 4 * i)..]);
        replacements = blob[(4 + (int)bytes)..].ToArray();
    }

    /// <summary>Finds the longest text that a rule replaces where the bytes begin.</summary>
    /// <param name="bytes">UTF-8.</param>
    /// <param name="replacement">What it becomes.</param>
    /// <returns>Its length in bytes, or 0 where no rule applies.</returns>
    public int Match(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        if (units.Length == 0) return 0;
        int length = 0, value = 0;
        var position = Offset(units[0]);
        for (var i = 0; i < bytes.Length; i++)
        {
            position ^= bytes[i];
            // A damaged array leads out of itself: no rule.
            if (position >= (uint)units.Length || Label(units[position]) != bytes[i]) break;
            var unit = units[position];
            position ^= Offset(unit);
            if (!HasLeaf(unit) || position >= (uint)units.Length) continue;
            (length, value) = (i + 1, (int)(units[position] & int.MaxValue));
        }
        if (length > 0) replacement = ReplacementAt(value);
        return length;
    }

    ReadOnlySpan<byte> ReplacementAt(int at)
    {
        var rest = replacements.AsSpan(Math.Min(at, replacements.Length));
        var end = rest[..Math.Min(rest.Length, LongestReplacement + 1)].IndexOf((byte)0);
        if (end < 0 && rest.Length > LongestReplacement) throw new PeaException($"{path}: a normalizer's replacement of more than {LongestReplacement} bytes");
        return end < 0 ? rest : rest[..end];
    }

    static uint Offset(uint unit) => (unit >> 10) << (int)((unit & (1 << 9)) >> 6);

    static uint Label(uint unit) => unit & (1u << 31 | 0xFF);

    static bool HasLeaf(uint unit) => (unit & (1 << 8)) != 0;
}
