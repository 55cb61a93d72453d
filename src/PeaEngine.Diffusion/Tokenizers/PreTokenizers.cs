using System.Buffers;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>One after another: each cuts the words of the one before it.</summary>
sealed class PreTokenizerSequence(IReadOnlyList<IPreTokenizer> parts) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(string text, bool isFirst, List<string> words)
    {
        List<string> current = [text];
        foreach (var part in parts)
        {
            var cut = new List<string>();
            for (var i = 0; i < current.Count; i++) part.Split(current[i], isFirst && i == 0, cut);
            current = cut;
        }
        words.AddRange(current);
    }
}

/// <summary>Cuts at white space, which goes.</summary>
sealed class WhitespaceSplit : IPreTokenizer
{
    static readonly SearchValues<char> Spaces = SearchValues.Create([.. Enumerable.Range(0, char.MaxValue).Select(point => (char)point).Where(char.IsWhiteSpace)]);

    /// <inheritdoc/>
    public void Split(string text, bool isFirst, List<string> words)
    {
        foreach (var range in text.AsSpan().SplitAny(Spaces))
            if (range.End.Value > range.Start.Value) words.Add(text[range]);
    }
}

/// <summary>SentencePiece's spaces: U+2581 for each, one before the text, and words that begin with it.</summary>
/// <param name="replacement">What a space becomes.</param>
/// <param name="prepends">Whether a text that does not begin with one gets one.</param>
/// <param name="onlyFirst">Whether only the first text does.</param>
/// <param name="splits">Whether words are cut.</param>
sealed class Metaspace(char replacement, bool prepends, bool onlyFirst, bool splits) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(string text, bool isFirst, List<string> words)
    {
        if (text.Length == 0) return;
        text = text.Replace(' ', replacement);
        if (prepends && (isFirst || !onlyFirst) && text[0] != replacement) text = replacement + text;
        var start = 0;
        for (int next; splits && (next = text.IndexOf(replacement, start + 1)) > 0; start = next) words.Add(text[start..next]);
        words.Add(text[start..]);
    }
}

/// <summary>GPT-2's: words with the space before them, their bytes as printable characters.</summary>
/// <param name="addPrefixSpace">Whether a text that does not begin with a space gets one.</param>
/// <param name="useRegex">Whether words are cut.</param>
sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : IPreTokenizer
{
    static readonly TextPattern Words = TextPattern.Expression("GPT-2", @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    /// <inheritdoc/>
    public void Split(string text, bool isFirst, List<string> words)
    {
        if (text.Length == 0) return;
        if (addPrefixSpace && text[0] != ' ') text = ' ' + text;
        if (!useRegex) words.Add(BytePairEncoding.StandInsOf(text));
        else
            foreach (var (start, length, _) in Words.Cut(text)) words.Add(BytePairEncoding.StandInsOf(text.AsSpan(start, length)));
    }
}

/// <summary>What becomes of a match that words are cut by.</summary>
enum SplitBehavior
{
    /// <summary>It goes.</summary>
    Removed,

    /// <summary>It is a word.</summary>
    Isolated,

    /// <summary>It ends the word before it.</summary>
    MergedWithPrevious,

    /// <summary>It begins the next word.</summary>
    MergedWithNext,

    /// <summary>Matches side by side are one word.</summary>
    Contiguous,
}

/// <summary>Cuts by a pattern.</summary>
/// <param name="pattern">The pattern.</param>
/// <param name="behavior">What becomes of its matches.</param>
/// <param name="invert">Whether what lies between matches counts as the matches.</param>
sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(string text, bool isFirst, List<string> words)
    {
        int wordStart = 0, wordEnd = 0;
        var wasMatch = false;
        foreach (var (start, length, found) in pattern.Cut(text))
        {
            var isMatch = found != invert;
            var joins = start > 0 && behavior switch
            {
                SplitBehavior.MergedWithPrevious => isMatch && !wasMatch,
                SplitBehavior.MergedWithNext => !isMatch && wasMatch,
                SplitBehavior.Contiguous => isMatch == wasMatch,
                _ => false,
            };
            if (!joins)
            {
                if (wordEnd > wordStart) words.Add(text[wordStart..wordEnd]);
                wordStart = start;
            }
            wordEnd = behavior == SplitBehavior.Removed && isMatch ? start : start + length;
            wasMatch = isMatch;
        }
        if (wordEnd > wordStart) words.Add(text[wordStart..wordEnd]);
    }
}
