using System.Globalization;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>What BERT does to a text: control characters go, white space becomes spaces, ideographs stand alone, and accents and case go.</summary>
/// <param name="cleanText">Whether control characters and white space are dealt with.</param>
/// <param name="handleChineseChars">Whether ideographs get spaces around them.</param>
/// <param name="stripAccents">Whether nonspacing marks go.</param>
/// <param name="lowercase">Whether letters become small.</param>
/// <param name="dialect">Whose way.</param>
sealed class BertNormalizer(bool cleanText = true, bool handleChineseChars = true, bool stripAccents = true, bool lowercase = true, BertDialect dialect = BertDialect.Transformers) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        text = Clean(text);
        if (dialect == BertDialect.ChineseClip && lowercase) text = LowerCase.InContext(text);
        if (stripAccents) text = WithoutAccents(text);
        return dialect == BertDialect.Transformers && lowercase ? LowerCase.Of(text) : text;
    }

    /// <summary>The text in form D without its nonspacing marks.</summary>
    public static string WithoutAccents(string text)
    {
        var plain = new StringBuilder(text.Length);
        foreach (var rune in UnicodeNormalization.Normalize(text, NormalizationForm.FormD).EnumerateRunes())
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark) plain.Append(rune);
        return plain.ToString();
    }

    string Clean(string text)
    {
        var cleaned = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            if (cleanText && IsRemoved(rune)) continue;
            if (cleanText && Rune.IsWhiteSpace(rune)) cleaned.Append(' ');
            else if (handleChineseChars && IsIdeograph(rune.Value)) cleaned.Append(' ').Append(rune).Append(' ');
            else cleaned.Append(rune);
        }
        return cleaned.ToString();
    }

    bool IsRemoved(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && (rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format => true,
        UnicodeCategory.PrivateUse => dialect == BertDialect.Transformers,
        _ => false,
    });

    // The tokenizers library writes 2B920 where Google's code has 2B820.
    bool IsIdeograph(int point) => point is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B81F
        or >= 0x2B920 and <= 0x2CEAF or >= 0xF900 and <= 0xFAFF or >= 0x2F800 and <= 0x2FA1F || (dialect == BertDialect.ChineseClip && point is >= 0x2B820 and < 0x2B920);
}
