using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>Reads a protocol buffer's fields one after another; nothing is trusted, and nothing is copied.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="bytes">A message.</param>
ref struct ProtobufReader(string path, ReadOnlySpan<byte> bytes)
{
    enum WireType { Varint, Fixed64, Bytes, Fixed32 = 5 }

    ReadOnlySpan<byte> rest = bytes;
    WireType wireType;

    /// <summary>The bytes that are not read yet.</summary>
    public readonly int Left => rest.Length;

    /// <summary>Goes to the next field, whose value must then be read or skipped; false at the end.</summary>
    public bool Next(out int field)
    {
        field = 0;
        if (rest.IsEmpty) return false;
        var key = ReadVarint();
        if (key >> 3 is 0 or > 0x1FFF_FFFF) throw Wrong($"a field has the number {key >> 3}");
        (field, wireType) = ((int)(key >> 3), (WireType)(key & 7));
        return true;
    }

    /// <summary>A whole number; a negative one of 32 bits is written in 64.</summary>
    public int Int()
    {
        Expect(WireType.Varint, "a whole number");
        return unchecked((int)ReadVarint());
    }

    /// <summary>True or false.</summary>
    public bool Bool()
    {
        Expect(WireType.Varint, "true or false");
        return ReadVarint() != 0;
    }

    /// <summary>A number of 32 bits.</summary>
    public float Float()
    {
        Expect(WireType.Fixed32, "a number");
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    /// <summary>A text, bytes or a message.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        Expect(WireType.Bytes, "bytes");
        return Take(ReadVarint());
    }

    /// <summary>Passes over a value of any type.</summary>
    public void Skip()
    {
        switch (wireType)
        {
            case WireType.Varint: ReadVarint(); break;
            case WireType.Fixed64: Take(8); break;
            case WireType.Bytes: Take(ReadVarint()); break;
            case WireType.Fixed32: Take(4); break;
            // Groups, 3 and 4, have been out of use since before SentencePiece.
            default: throw Wrong($"a value has the wire type {(int)wireType}");
        }
    }

    ulong ReadVarint()
    {
        ulong value = 0;
        for (var i = 0; i < 10 && i < rest.Length; i++)
        {
            value |= (ulong)(rest[i] & 0x7F) << (7 * i);
            if (rest[i] >= 0x80) continue;
            rest = rest[(i + 1)..];
            return value;
        }
        throw Wrong("a number does not end");
    }

    ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)rest.Length) throw Wrong($"{count} bytes are announced where {rest.Length} are left");
        var taken = rest[..(int)count];
        rest = rest[(int)count..];
        return taken;
    }

    readonly void Expect(WireType type, string expected)
    {
        if (wireType != type) throw Wrong($"a value has the wire type {(int)wireType}, expected {expected}");
    }

    readonly PeaException Wrong(string what) => new($"{path}: not a SentencePiece model: {what}");
}
