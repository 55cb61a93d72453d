namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>A stretch of a text that is one piece.</summary>
/// <param name="Start">Its first byte.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Id">The piece, or a negative number where the vocabulary has none.</param>
readonly record struct Piece(int Start, int Length, int Id);

/// <summary>Cuts a normalized text into pieces.</summary>
interface IPieceModel
{
    /// <summary>Appends the pieces of a text in UTF-8, which cover it.</summary>
    void Segment(ReadOnlySpan<byte> text, List<Piece> pieces);
}

/// <summary>Lengths of characters in UTF-8.</summary>
static class Utf8Text
{
    /// <summary>The length of the character that the bytes begin with by its first byte, as SentencePiece counts it: malformed bytes are characters too.</summary>
    public static int CharacterLength(ReadOnlySpan<byte> bytes) =>
        Math.Min(bytes.Length, bytes[0] switch { < 0xC0 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 });
}
