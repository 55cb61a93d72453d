using System.Globalization;

namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>The tokens of a text, read from the first to the last, with the little grammar that every part of PTX shares.</summary>
sealed class TokenReader(List<Token> tokens)
{
    int at;

    public Token Peek => tokens[at];

    public Token Ahead => tokens[Math.Min(at + 1, tokens.Count - 1)];

    public Token Next() => tokens[at] is { Kind: not TokenKind.End } token ? Advance(token) : throw new PtxException(tokens[at].Line, "the text ends too early");

    public bool Accept(char punctuation)
    {
        if (!Peek.Is(punctuation)) return false;
        at++;
        return true;
    }

    public bool AcceptWord(string word)
    {
        if (Peek.Kind != TokenKind.Word || Peek.Text != word) return false;
        at++;
        return true;
    }

    public void Expect(char punctuation)
    {
        if (!Accept(punctuation)) throw Unexpected($"'{punctuation}'");
    }

    public string Word() => Peek.Kind == TokenKind.Word ? Next().Text : throw Unexpected("a name");

    public PtxException Unexpected(string expected) => new(Peek.Line, $"'{Peek.Text}', expected {expected}");

    /// <summary>An integer, perhaps negative.</summary>
    public long Integer()
    {
        var negative = Accept('-');
        var line = Peek.Line;
        var (bits, kind) = Number();
        return kind == ImmediateKind.Integer ? negative ? -(long)bits : (long)bits : throw new PtxException(line, "a floating point number, expected an integer");
    }

    /// <summary>A count or size that fits an int and is not negative.</summary>
    public int Count()
    {
        var line = Peek.Line;
        var value = Integer();
        return value is >= 0 and <= int.MaxValue ? (int)value : throw new PtxException(line, $"{value}, expected a count");
    }

    /// <summary>A number without sign: its bits and how it was written.</summary>
    public (ulong Bits, ImmediateKind Kind) Number()
    {
        if (Peek.Kind != TokenKind.Number) throw Unexpected("a number");
        var (_, text, line) = Next();
        var digits = text.EndsWith('U') ? text[..^1] : text;
        ulong bits;
        if (text.Length > 2 && text[0] == '0')
            switch (text[1])
            {
                case 'f' or 'F' when Hex(text[2..], out bits) && text.Length == 10: return (bits, ImmediateKind.Single);
                case 'd' or 'D' when Hex(text[2..], out bits) && text.Length == 18: return (bits, ImmediateKind.Double);
                case 'x' or 'X' when Hex(digits[2..], out bits): return (bits, ImmediateKind.Integer);
                case 'b' or 'B' when ulong.TryParse(digits.AsSpan(2), NumberStyles.BinaryNumber, CultureInfo.InvariantCulture, out bits): return (bits, ImmediateKind.Integer);
            }
        if (ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bits)) return (bits, ImmediateKind.Integer);
        if (text.Contains('.') && double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value))
            return (BitConverter.DoubleToUInt64Bits(value), ImmediateKind.Double);
        throw new PtxException(line, $"'{text}', expected a number");
    }

    /// <summary>Passes over a statement that means nothing here, up to its semicolon or the line's end.</summary>
    public void SkipLine(int line)
    {
        while (Peek.Kind != TokenKind.End && Peek.Line == line) at++;
    }

    Token Advance(Token token)
    {
        at++;
        return token;
    }

    static bool Hex(string text, out ulong bits) => ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bits);
}
