using System.Text;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>Writes small SentencePiece models.</summary>
sealed class SentencePieceFile
{
    public const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    readonly List<byte> bytes = [], trainer = [], normalizer = [];

    /// <summary>A model whose first piece stands for what is unknown.</summary>
    public SentencePieceFile(bool bpe = false)
    {
        Add("<unk>", 0, Unknown);
        Varint(trainer, 3, bpe ? 2 : 1);
    }

    /// <summary>Adds a piece.</summary>
    public SentencePieceFile Add(string text, float score = 0, int type = Normal)
    {
        var piece = new List<byte>();
        Bytes(piece, 1, Encoding.UTF8.GetBytes(text));
        piece.Add(2 << 3 | 5);
        piece.AddRange(BitConverter.GetBytes(score));
        if (type != Normal) Varint(piece, 3, type);
        Bytes(bytes, 1, [.. piece]);
        return this;
    }

    /// <summary>Adds the pieces of bytes.</summary>
    public SentencePieceFile WithByteFallback(int count = 256)
    {
        Varint(trainer, 35, 1);
        for (var value = 0; value < count; value++) Add($"<0x{value:X2}>", 0, Byte);
        return this;
    }

    /// <summary>Sets a number of the trainer's (24 is treat_whitespace_as_suffix).</summary>
    public SentencePieceFile Trainer(int field, int value)
    {
        Varint(trainer, field, value);
        return this;
    }

    /// <summary>Sets a number of the normalizer's (3 add_dummy_prefix, 4 remove_extra_whitespaces, 5 escape_whitespaces).</summary>
    public SentencePieceFile Normalizer(int field, int value)
    {
        Varint(normalizer, field, value);
        return this;
    }

    /// <summary>Sets the normalizer's rules.</summary>
    public SentencePieceFile Charsmap(byte[] blob)
    {
        Bytes(normalizer, 2, blob);
        return this;
    }

    /// <summary>The file's bytes.</summary>
    public byte[] ToBytes()
    {
        List<byte> file = [.. bytes];
        Bytes(file, 2, [.. trainer]);
        Bytes(file, 3, [.. normalizer]);
        return [.. file];
    }

    static void Varint(List<byte> to, int field, int value)
    {
        Number(to, field << 3);
        Number(to, value);
    }

    static void Bytes(List<byte> to, int field, byte[] value)
    {
        Number(to, field << 3 | 2);
        Number(to, value.Length);
        to.AddRange(value);
    }

    static void Number(List<byte> to, int value)
    {
        for (; value >= 0x80; value >>= 7) to.Add((byte)(value | 0x80));
        to.Add((byte)value);
    }
}
