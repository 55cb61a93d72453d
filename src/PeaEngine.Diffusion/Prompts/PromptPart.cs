using System.Buffers;
using System.Globalization;
using System.Text;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Diffusion.Prompts;

/// <summary>A stretch of a weighted prompt.</summary>
/// <param name="Text">Its text, without the syntax.</param>
/// <param name="Weight">What its states are multiplied by.</param>
readonly record struct PromptPart(string Text, double Weight)
{
    const string Break = "BREAK";
    const double BreakWeight = -1, RoundWeight = 1.1, SquareWeight = 1 / RoundWeight;

    static readonly SearchValues<char> Special = SearchValues.Create(@"\()[]:");

    /// <summary>Whether what follows begins a chunk. Inside brackets BREAK gets a weight and is a word, as with A1111.</summary>
    public bool IsBreak => Weight == BreakWeight && Text == Break;

    /// <summary>Reads a prompt as A1111's <c>parse_prompt_attention</c> does; there is always a part. Brackets that are not closed reach to the end.</summary>
    /// <exception cref="OptionException">What stands where a weight does is no number.</exception>
    public static List<PromptPart> Parse(string prompt)
    {
        var parts = new List<(string Text, double Weight)>();
        Stack<int> round = new(), square = new();
        for (int at = 0, end; at < prompt.Length; at = end)
        {
            end = at + 1;
            switch (prompt[at])
            {
                case '\\':
                    // Alone, a backslash is nothing.
                    if (end < prompt.Length && @"()[]\".Contains(prompt[end])) end++;
                    parts.Add((prompt[(at + 1)..end], 1));
                    break;
                case '(': round.Push(parts.Count); break;
                case '[': square.Push(parts.Count); break;
                case ')' when round.TryPop(out var start): Multiply(start, RoundWeight); break;
                case ']' when square.TryPop(out var start): Multiply(start, SquareWeight); break;
                case ':' when FindWeight(prompt, at) is { Length: > 0 } found:
                    end = at + found.Length;
                    if (round.TryPop(out var first)) Multiply(first, ReadWeight(found));
                    else Add(found);
                    break;
                case ':' or ')' or ']': Add(prompt[at..end]); break;
                default:
                    var length = prompt.AsSpan(at).IndexOfAny(Special);
                    end = length < 0 ? prompt.Length : at + length;
                    Add(prompt[at..end]);
                    break;
            }
        }
        foreach (var start in round.Reverse()) Multiply(start, RoundWeight);
        foreach (var start in square.Reverse()) Multiply(start, SquareWeight);
        return Merged(parts);

        void Add(string text)
        {
            foreach (var piece in SplitAtBreaks(text)) parts.Add(piece == null ? (Break, BreakWeight) : (piece, 1));
        }

        void Multiply(int start, double weight)
        {
            for (var i = start; i < parts.Count; i++) parts[i] = parts[i] with { Weight = parts[i].Weight * weight };
        }
    }

    /// <summary>The <c>: 1.3 )</c> that begins here, or nothing.</summary>
    static string FindWeight(string prompt, int colon)
    {
        var at = SkipSpaces(prompt, colon + 1);
        if (at < prompt.Length && prompt[at] is '+' or '-') at++;
        var digits = at;
        while (at < prompt.Length && (char.IsAsciiDigit(prompt[at]) || prompt[at] == '.')) at++;
        if (at == digits) return "";
        at = SkipSpaces(prompt, at);
        return at < prompt.Length && prompt[at] == ')' ? prompt[colon..(at + 1)] : "";
    }

    static double ReadWeight(string found)
    {
        var text = found.AsSpan(1, found.Length - 2).Trim();
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && double.IsFinite(weight)
            ? weight
            : throw new OptionException($"prompt: the weight '{TokenizerJson.Quote(text.ToString())}', expected a number");
    }

    /// <summary>The text before, between and behind the word BREAK and the white space around it; null for each BREAK.</summary>
    static IEnumerable<string?> SplitAtBreaks(string text)
    {
        var done = 0;
        for (int from = 0, at; (at = text.IndexOf(Break, from, StringComparison.Ordinal)) >= 0; from = at + Break.Length)
        {
            var end = at + Break.Length;
            if ((at > 0 && IsWord(text[at - 1])) || (end < text.Length && IsWord(text[end]))) continue;
            yield return text[done..at].TrimEnd();
            yield return null;
            done = SkipSpaces(text, end);
        }
        yield return text[done..];
    }

    static int SkipSpaces(string text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        return at;
    }

    static bool IsWord(char c) => c == '_' || char.IsLetterOrDigit(c);

    /// <summary>Neighbours of the same weight are one part.</summary>
    static List<PromptPart> Merged(List<(string Text, double Weight)> parts)
    {
        if (parts.Count == 0) return [new("", 1)];
        var merged = new List<PromptPart>();
        var text = new StringBuilder();
        for (var i = 0; i < parts.Count; i++)
        {
            text.Append(parts[i].Text);
            if (i + 1 < parts.Count && parts[i + 1].Weight == parts[i].Weight) continue;
            merged.Add(new(text.ToString(), parts[i].Weight));
            text.Clear();
        }
        return merged;
    }
}
