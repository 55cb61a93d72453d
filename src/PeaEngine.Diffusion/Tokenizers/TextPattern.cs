using System.Text.RegularExpressions;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>A text or a regular expression to look for.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="expression">The expression.</param>
sealed class TextPattern(string path, Regex expression)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Looks for a text as it stands.</summary>
    public static TextPattern Literal(string path, string text) => new(path, new Regex(Regex.Escape(text), RegexOptions.CultureInvariant));

    /// <summary>Looks for what an expression matches.</summary>
    /// <exception cref="PeaException">It is none, or has what .NET's expressions lack.</exception>
    public static TextPattern Expression(string path, string pattern)
    {
        try
        {
            return new(path, new Regex(pattern, RegexOptions.CultureInvariant, Patience));
        }
        catch (ArgumentException error)
        {
            throw new PeaException($"{path}: the pattern '{TokenizerJson.Quote(pattern)}' is no regular expression: {error.Message.ReplaceLineEndings(" ")}", error);
        }
    }

    /// <summary>The text as matches and what lies between them, without what is empty.</summary>
    /// <exception cref="PeaException">The expression takes longer than half a minute.</exception>
    public List<(int Start, int Length, bool IsMatch)> Cut(string text)
    {
        var parts = new List<(int, int, bool)>();
        var done = 0;
        try
        {
            foreach (var match in expression.EnumerateMatches(text))
            {
                if (match.Length == 0) continue;
                if (match.Index > done) parts.Add((done, match.Index - done, false));
                parts.Add((match.Index, match.Length, true));
                done = match.Index + match.Length;
            }
        }
        catch (RegexMatchTimeoutException error)
        {
            throw new PeaException($"{path}: the pattern '{TokenizerJson.Quote(expression.ToString())}' takes longer than {Patience.TotalSeconds} s", error);
        }
        if (done < text.Length) parts.Add((done, text.Length - done, false));
        return parts;
    }
}
