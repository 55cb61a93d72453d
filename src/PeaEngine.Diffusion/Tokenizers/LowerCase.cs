using System.Globalization;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Unicode's full mappings to lower case, which differ from .NET's simple ones in İ and, by its place in a word, Σ.</summary>
static class LowerCase
{
    /// <summary>What is passed over between Σ and the letters beside it, apart from marks, format characters, modifier letters and modifier symbols.</summary>
    const string IgnorablePunctuation = "'.:·\u0387\u055F\u05F4‘’\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";

    /// <summary>Appends a character's lower case, as Rust's <c>char::to_lowercase</c> gives it.</summary>
    public static void Append(StringBuilder text, Rune rune)
    {
        // The one letter whose lower case is longer; Unicode's simple mapping, which .NET has, drops its dot.
        if (rune.Value == 'İ') text.Append("i\u0307");
        else text.Append(Rune.ToLowerInvariant(rune));
    }

    /// <summary>Every character's lower case, whatever stands beside it.</summary>
    public static string Of(string text)
    {
        var lower = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) Append(lower, rune);
        return lower.ToString();
    }

    /// <summary>The same, but Σ is ς at the end of a word, as Python's <c>str.lower</c> gives it.</summary>
    public static string InContext(string text)
    {
        if (!text.Contains('Σ')) return Of(text);
        Rune[] runes = [.. text.EnumerateRunes()];
        var lower = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            if (runes[i].Value == 'Σ') lower.Append(TouchesLetter(runes, i, -1) && !TouchesLetter(runes, i, 1) ? 'ς' : 'σ');
            else Append(lower, runes[i]);
        }
        return lower.ToString();
    }

    static bool TouchesLetter(Rune[] runes, int at, int step)
    {
        do at += step; while ((uint)at < (uint)runes.Length && IsIgnorable(runes[at]));
        return (uint)at < (uint)runes.Length && IsCased(runes[at]);
    }

    static bool IsIgnorable(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol => true,
        _ => rune.IsBmp && IgnorablePunctuation.Contains((char)rune.Value),
    };

    static bool IsCased(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || rune.Value is 'ª' or 'º' or >= 'Ⅰ' and <= 'ⅿ' or >= 'Ⓐ' and <= 'ⓩ' or >= 0x1F130 and <= 0x1F149 or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189;
}
