namespace PeaEngine.VirtualGpu.Ptx;

enum TokenKind { Word, Number, Text, Punctuation, End }

/// <summary>A word (a name, a register, a directive or an opcode with all its parts), a number, a string, or one character.</summary>
readonly record struct Token(TokenKind Kind, string Text, int Line)
{
    public bool Is(char punctuation) => Kind == TokenKind.Punctuation && Text[0] == punctuation;
}

/// <summary>Cuts PTX into tokens. Opcodes and special registers keep their dots: <c>ld.global.v4.f32</c>, <c>%tid.x</c>.</summary>
static class PtxLexer
{
    public static List<Token> Read(string text)
    {
        var tokens = new List<Token>(text.Length / 6 + 1);
        var words = new HashSet<string>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        int at = 0, line = 1;
        while (at < text.Length)
        {
            var c = text[at];
            if (c == '\n') { line++; at++; }
            else if (char.IsWhiteSpace(c) || c == '\0') at++;
            else if (c == '/' && Next(text, at) == '/') at = EndOf(text, text.IndexOf('\n', at), text.Length);
            else if (c == '/' && Next(text, at) == '*')
            {
                var end = text.IndexOf("*/", at + 2, StringComparison.Ordinal);
                if (end < 0) throw new PtxException(line, "comment without an end");
                line += text.AsSpan(at, end - at).Count('\n');
                at = end + 2;
            }
            else if (c == '"')
            {
                var end = text.IndexOf('"', at + 1);
                if (end < 0 || text.AsSpan(at, end - at).Contains('\n')) throw new PtxException(line, "string without an end");
                tokens.Add(new(TokenKind.Text, text[(at + 1)..end], line));
                at = end + 1;
            }
            else if (char.IsAsciiDigit(c))
            {
                var end = at;
                while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '.'
                    || (text[end] is '+' or '-' && text[end - 1] is 'e' or 'E' && !IsHexadecimal(text, at)))) end++;
                tokens.Add(new(TokenKind.Number, Once(text.AsSpan(at, end - at)), line));
                at = end;
            }
            else if (IsWordStart(c))
            {
                var end = at + 1;
                while (end < text.Length && (IsWordStart(text[end]) || char.IsAsciiDigit(text[end]) || IsScope(text, end))) end += IsScope(text, end) ? 2 : 1;
                tokens.Add(new(TokenKind.Word, Once(text.AsSpan(at, end - at)), line));
                at = end;
            }
            else if (c < 128)
            {
                tokens.Add(new(TokenKind.Punctuation, Once(text.AsSpan(at, 1)), line));
                at++;
            }
            else throw new PtxException(line, $"character U+{(int)c:X4}, expected ASCII");
        }
        tokens.Add(new(TokenKind.End, "the end of the text", line));
        return tokens;

        // A name stands in a text thousands of times, and is one string.
        string Once(ReadOnlySpan<char> word)
        {
            if (words.TryGetValue(word, out var known)) return known;
            words.Add(known = word.ToString());
            return known;
        }
    }

    static char Next(string text, int at) => at + 1 < text.Length ? text[at + 1] : '\0';

    static int EndOf(string text, int end, int otherwise) => end < 0 ? otherwise : end;

    static bool IsWordStart(char c) => char.IsAsciiLetter(c) || c is '_' or '$' or '%' or '.';

    static bool IsScope(string text, int at) => text[at] == ':' && Next(text, at) == ':';

    static bool IsHexadecimal(string text, int at) => text[at] == '0' && Next(text, at) is 'x' or 'X' or 'f' or 'F' or 'd' or 'D';
}
