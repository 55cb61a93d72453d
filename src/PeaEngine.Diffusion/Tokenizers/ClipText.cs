using System.Globalization;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>How transformers' CLIPTokenizer prepares a text: its normalizer and its pre-tokenizer.</summary>
static class ClipText
{
    enum Kind { Space, Letter, Number, Other }

    static readonly string[] Contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
    static readonly string[] Literals = ["<|startoftext|>", "<|endoftext|>"];

    /// <summary>Form C, runs of white space as one space, lower case.</summary>
    public static string Normalize(string text)
    {
        var composed = UnicodeNormalization.Normalize(text);
        var normalized = new StringBuilder(composed.Length);
        var inSpace = false;
        foreach (var rune in composed.EnumerateRunes())
        {
            var isSpace = Rune.IsWhiteSpace(rune);
            if (!isSpace) LowerCase.Append(normalized, rune);
            else if (!inSpace) normalized.Append(' ');
            inSpace = isSpace;
        }
        return normalized.ToString();
    }

    /// <summary>
    /// The words of a normalized text: what its pattern
    /// <c>&lt;\|startoftext\|&gt;|&lt;\|endoftext\|&gt;|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+</c> matches, the
    /// first two split again as the byte-level pre-tokenizer splits them.
    /// </summary>
    public ref struct Words(ReadOnlySpan<char> text)
    {
        readonly ReadOnlySpan<char> text = text;
        int position, literalEnd;

        /// <summary>Finds the next word; false at the end.</summary>
        public bool Next(out ReadOnlySpan<char> word)
        {
            var kind = Kind.Space;
            var start = position;
            while (position < text.Length && kind == Kind.Space)
            {
                start = position;
                kind = KindAt(start, out var length);
                position += length;
            }
            word = default;
            if (kind == Kind.Space) return false;
            var rest = text[start..];
            if (start >= literalEnd && LengthOf(Literals, rest) is > 0 and var literal) literalEnd = start + literal;
            if (LengthOf(Contractions, rest) is > 0 and var contraction) position = start + contraction;
            else if (kind != Kind.Number)
            {
                var end = start < literalEnd ? literalEnd : text.Length;
                while (position < end && KindAt(position, out var length) == kind) position += length;
            }
            word = text[start..position];
            return true;
        }

        readonly Kind KindAt(int index, out int length)
        {
            _ = Rune.DecodeFromUtf16(text[index..], out var rune, out length);
            return Rune.GetUnicodeCategory(rune) switch
            {
                <= UnicodeCategory.OtherLetter => Kind.Letter,
                UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
                _ => Rune.IsWhiteSpace(rune) ? Kind.Space : Kind.Other,
            };
        }

        static int LengthOf(string[] choices, ReadOnlySpan<char> rest)
        {
            foreach (var choice in choices)
                if (rest.StartsWith(choice, StringComparison.Ordinal)) return choice.Length;
            return 0;
        }
    }
}
