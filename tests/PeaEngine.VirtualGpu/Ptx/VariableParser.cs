using System.Buffers.Binary;

namespace PeaEngine.VirtualGpu.Ptx;

/// <summary>Reads declarations of variables: space, alignment, type, name, extent and initial value.</summary>
static class VariableParser
{
    /// <summary>A statement of one or more variables, with its semicolon.</summary>
    public static List<PtxVariable> Read(TokenReader reader, bool isExtern = false)
    {
        var (space, type, align, vector) = Head(reader);
        List<PtxVariable> variables = [];
        do variables.Add(Named(reader, space, type, align, vector, isExtern)); while (reader.Accept(','));
        reader.Expect(';');
        return variables;
    }

    /// <summary>A parameter: one declaration, without a semicolon.</summary>
    public static PtxVariable One(TokenReader reader)
    {
        var (space, type, align, vector) = Head(reader);
        return Named(reader, space, type, align, vector, false);
    }

    static (PtxSpace, PtxType, int Align, int Vector) Head(TokenReader reader)
    {
        var space = reader.Word() switch
        {
            ".global" => PtxSpace.Global,
            ".const" => PtxSpace.Const,
            ".shared" => PtxSpace.Shared,
            ".local" => PtxSpace.Local,
            ".param" => PtxSpace.Param,
            var other => throw new PtxException(reader.Peek.Line, $"'{other}', expected a state space"),
        };
        int align = 0, vector = 1;
        for (; ; )
        {
            var (_, word, line) = reader.Next();
            switch (word)
            {
                case ".align":
                    align = reader.Count();
                    if (align is < 1 or > 4096 || !int.IsPow2(align)) throw new PtxException(line, $"alignment {align}, expected a power of two");
                    break;
                case ".v2": vector = 2; break;
                case ".v4": vector = 4; break;
                case ".ptr" or ".global" or ".const" or ".shared" or ".local": break;
                default:
                    if (word.StartsWith('.') && PtxTypes.TryParse(word[1..], out var type) && type != PtxType.Pred)
                    {
                        // A kernel's pointer may say where it points: `.u64 .ptr .global .align 4`.
                        while (reader.Peek.Text is ".ptr" or ".global" or ".const" or ".shared" or ".local" or ".align") if (reader.Next().Text == ".align") reader.Count();
                        return (space, type, align == 0 ? type.Bytes() * vector : align, vector);
                    }
                    throw new PtxException(line, $"'{word}', expected the type of a variable");
            }
        }
    }

    static PtxVariable Named(TokenReader reader, PtxSpace space, PtxType type, int align, int vector, bool isExtern)
    {
        var line = reader.Peek.Line;
        var name = reader.Word();
        long bytes = type.Bytes() * vector;
        while (reader.Accept('['))
        {
            bytes = reader.Peek.Is(']') ? 0 : checked(bytes * reader.Count());
            reader.Expect(']');
            if (bytes > 1L << 32) throw new PtxException(line, $"{name}: {bytes} bytes, expected at most 4 GiB");
        }
        byte[]? initial = null;
        if (reader.Accept('='))
        {
            initial = new byte[bytes];
            Initial(reader, type, initial, name);
        }
        return new(space, name, align, bytes, initial, isExtern, line);
    }

    /// <summary>Numbers in any nesting of braces fill the variable in order; what they do not reach stays zero.</summary>
    static void Initial(TokenReader reader, PtxType type, byte[] into, string name)
    {
        int depth = 0, at = 0;
        Span<byte> value = stackalloc byte[8];
        do
        {
            if (reader.Accept('{')) depth++;
            else if (reader.Accept('}')) depth--;
            else if (!reader.Accept(','))
            {
                var line = reader.Peek.Line;
                if (reader.Peek.Kind == TokenKind.Word) throw new PtxException(line, $"{name}: initial value {reader.Peek.Text}, expected a number");
                var negative = reader.Accept('-');
                var (bits, kind) = reader.Number();
                if (at + type.Bytes() > into.Length) throw new PtxException(line, $"{name}: more initial values than its {into.Length} bytes hold");
                BinaryPrimitives.WriteUInt64LittleEndian(value, Bits(type, bits, kind, negative));
                value[..type.Bytes()].CopyTo(into.AsSpan(at));
                at += type.Bytes();
            }
        }
        while (depth > 0);
    }

    static ulong Bits(PtxType type, ulong bits, ImmediateKind kind, bool negative) => kind switch
    {
        ImmediateKind.Integer => negative ? 0 - bits : bits,
        ImmediateKind.Double when type == PtxType.F32 => BitConverter.SingleToUInt32Bits((float)BitConverter.UInt64BitsToDouble(bits)) ^ (negative ? 1u << 31 : 0),
        ImmediateKind.Double => bits ^ (negative ? 1ul << 63 : 0),
        _ => bits ^ (negative ? 1u << 31 : 0),
    };
}
