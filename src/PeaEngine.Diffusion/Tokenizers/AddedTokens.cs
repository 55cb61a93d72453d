using System.Buffers;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>A token that is found in a text as it stands, before words are split; the flags are those of tokenizer.json.</summary>
/// <param name="Content">The text.</param>
/// <param name="Normalized">Whether it is looked for in the normalized text, in its own normalized form.</param>
/// <param name="LeftStrip">Whether it takes the white space before it.</param>
/// <param name="RightStrip">Whether it takes the white space behind it.</param>
/// <param name="SingleWord">Whether it counts only where no word character touches it.</param>
sealed record AddedToken(string Content, bool Normalized = false, bool LeftStrip = false, bool RightStrip = false, bool SingleWord = false);

/// <summary>Finds added tokens in a text, leftmost first, the longest of those that begin at one place.</summary>
sealed class AddedTokens
{
    readonly ILookup<char, (string Pattern, AddedToken Token, int Id)> byFirst;
    readonly SearchValues<char> firsts;

    /// <summary>Tokens with the text to look for and their ids.</summary>
    public AddedTokens(IEnumerable<(string Pattern, AddedToken Token, int Id)> tokens)
    {
        byFirst = tokens.Where(token => token.Pattern.Length > 0).OrderByDescending(token => token.Pattern.Length).ToLookup(token => token.Pattern[0]);
        firsts = SearchValues.Create([.. byFirst.Select(group => group.Key)]);
    }

    /// <summary>Cuts a text into stretches: an added token with its id, or what lies between two with a negative one.</summary>
    public IEnumerable<(string Text, int Id)> Split(string text)
    {
        int done = 0, at = 0;
        while (at < text.Length)
        {
            var step = text.AsSpan(at).IndexOfAny(firsts);
            if (step < 0) break;
            at += step;
            if (!TryMatch(text, at, out var match))
            {
                at++;
                continue;
            }
            int start = at, end = at + match.Pattern.Length;
            while (match.Token.LeftStrip && start > done && char.IsWhiteSpace(text[start - 1])) start--;
            while (match.Token.RightStrip && end < text.Length && char.IsWhiteSpace(text[end])) end++;
            if (start > done) yield return (text[done..start], -1);
            yield return (match.Pattern, match.Id);
            done = at = end;
        }
        if (done < text.Length) yield return (text[done..], -1);
    }

    bool TryMatch(string text, int at, out (string Pattern, AddedToken Token, int Id) match)
    {
        match = default;
        foreach (var candidate in byFirst[text[at]])
        {
            if (string.CompareOrdinal(text, at, candidate.Pattern, 0, candidate.Pattern.Length) != 0) continue;
            if (candidate.Token.SingleWord && TouchesWord(text, at, at + candidate.Pattern.Length)) continue;
            match = candidate;
            return true;
        }
        return false;
    }

    static bool TouchesWord(string text, int start, int end) =>
        (Rune.DecodeLastFromUtf16(text.AsSpan(0, start), out var before, out _) == OperationStatus.Done && IsWord(before))
        || (Rune.DecodeFromUtf16(text.AsSpan(end), out var behind, out _) == OperationStatus.Done && IsWord(behind));

    static bool IsWord(Rune rune) => rune.Value == '_' || Rune.IsLetterOrDigit(rune);
}
