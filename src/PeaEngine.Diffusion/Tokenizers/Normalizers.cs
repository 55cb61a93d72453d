using System.Globalization;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>One after another.</summary>
sealed class NormalizerSequence(IReadOnlyList<INormalizer> parts) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => parts.Aggregate(text, (current, part) => part.Normalize(current));
}

/// <summary>One of Unicode's forms.</summary>
sealed class FormNormalizer(NormalizationForm form) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => UnicodeNormalization.Normalize(text, form);
}

/// <summary>Lower case, letter by letter.</summary>
sealed class LowercaseNormalizer : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => LowerCase.Of(text);
}

/// <summary>No combining marks; letters with marks of their own must have been decomposed.</summary>
sealed class StripAccentsNormalizer : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            if (Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark)) plain.Append(rune);
        return plain.ToString();
    }
}

/// <summary>No white space at one end or both.</summary>
sealed class StripNormalizer(bool left, bool right) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        if (left) text = text.TrimStart();
        return right ? text.TrimEnd() : text;
    }
}

/// <summary>A text before every text that is not empty.</summary>
sealed class PrependNormalizer(string prepend) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => text.Length == 0 ? text : prepend + text;
}

/// <summary>Another text in the place of all that a pattern matches.</summary>
sealed class ReplaceNormalizer(TextPattern pattern, string content) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        var replaced = new StringBuilder(text.Length);
        foreach (var (start, length, isMatch) in pattern.Cut(text)) replaced.Append(isMatch ? content : text.AsSpan(start, length));
        return replaced.ToString();
    }
}

/// <summary>SentencePiece's compiled rules, by the longest that applies, as the model was trained with them.</summary>
sealed class PrecompiledNormalizer(PrecompiledCharsmap charsmap) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        ReadOnlySpan<byte> input = Encoding.UTF8.GetBytes(text);
        var normalized = new List<byte>(input.Length + 16);
        while (!input.IsEmpty)
        {
            var length = charsmap.Match(input, out var sequence);
            if (length == 0) sequence = input[..(length = Utf8Text.CharacterLength(input))];
            normalized.AddRange(sequence);
            input = input[length..];
        }
        return Encoding.UTF8.GetString([.. normalized]);
    }
}
