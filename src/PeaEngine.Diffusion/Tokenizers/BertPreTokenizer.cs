using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Cuts at white space, and before and after every punctuation mark.</summary>
sealed class BertPreTokenizer : IPreTokenizer
{
    /// <inheritdoc/>
    public void Split(string text, bool isFirst, List<string> words)
    {
        int start = 0, at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var end = at + rune.Utf16SequenceLength;
            var isSpace = Rune.IsWhiteSpace(rune);
            if (isSpace || IsPunctuation(rune))
            {
                if (at > start) words.Add(text[start..at]);
                if (!isSpace) words.Add(text[at..end]);
                start = end;
            }
            at = end;
        }
        if (at > start) words.Add(text[start..at]);
    }

    /// <summary>Unicode's punctuation, and what ASCII has besides letters and digits.</summary>
    static bool IsPunctuation(Rune rune) => rune.IsAscii ? rune.Value > ' ' && rune.Value < 0x7F && !Rune.IsLetterOrDigit(rune) : Rune.IsPunctuation(rune);
}
