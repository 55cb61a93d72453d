using System.Buffers;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>SentencePiece's normalizer: compiled rules, spaces as U+2581 with none too many, and one before (or behind) the text.</summary>
/// <param name="charsmap">The rules, or null.</param>
/// <param name="userDefined">Pieces that no rule touches.</param>
sealed class SentencePieceNormalizer(PrecompiledCharsmap? charsmap, PieceTrie userDefined)
{
    /// <summary>normalizer_spec.add_dummy_prefix</summary>
    public bool AddDummyPrefix { get; init; } = true;

    /// <summary>normalizer_spec.remove_extra_whitespaces</summary>
    public bool RemoveExtraWhitespaces { get; init; } = true;

    /// <summary>normalizer_spec.escape_whitespaces</summary>
    public bool EscapeWhitespaces { get; init; } = true;

    /// <summary>trainer_spec.treat_whitespace_as_suffix</summary>
    public bool TreatWhitespaceAsSuffix { get; init; }

    ReadOnlySpan<byte> Space => EscapeWhitespaces ? "▁"u8 : " "u8;

    /// <summary>The normalized text in UTF-8; a lone surrogate reads as U+FFFD.</summary>
    public ReadOnlySpan<byte> Normalize(string text)
    {
        ReadOnlySpan<byte> input = Encoding.UTF8.GetBytes(text);
        while (RemoveExtraWhitespaces && !input.IsEmpty)
        {
            var length = Prefix(input, out var sequence);
            if (!sequence.SequenceEqual(" "u8)) break;
            input = input[length..];
        }
        if (input.IsEmpty) return [];
        var normalized = new ArrayBufferWriter<byte>(input.Length + input.Length / 2 + 8);
        if (AddDummyPrefix && !TreatWhitespaceAsSuffix) normalized.Write(Space);
        var afterSpace = RemoveExtraWhitespaces;
        while (!input.IsEmpty)
        {
            input = input[Prefix(input, out var sequence)..];
            if (afterSpace) sequence = sequence.TrimStart((byte)' ');
            if (sequence.IsEmpty) continue;
            Append(normalized, sequence);
            afterSpace = RemoveExtraWhitespaces && sequence[^1] == ' ';
        }
        var result = normalized.WrittenSpan;
        while (RemoveExtraWhitespaces && result.EndsWith(Space)) result = result[..^Space.Length];
        return AddDummyPrefix && TreatWhitespaceAsSuffix ? (byte[])[.. result, .. Space] : result;
    }

    void Append(ArrayBufferWriter<byte> normalized, ReadOnlySpan<byte> sequence)
    {
        for (int space; EscapeWhitespaces && (space = sequence.IndexOf((byte)' ')) >= 0; sequence = sequence[(space + 1)..])
        {
            normalized.Write(sequence[..space]);
            normalized.Write(Space);
        }
        normalized.Write(sequence);
    }

    /// <summary>The length of what is normalized next, and what it becomes.</summary>
    int Prefix(ReadOnlySpan<byte> input, out ReadOnlySpan<byte> sequence)
    {
        var length = userDefined.LongestPrefix(input);
        if (length == 0 && charsmap?.Match(input, out sequence) is > 0 and var replaced) return replaced;
        if (length == 0) length = Utf8Text.CharacterLength(input);
        sequence = input[..length];
        return length;
    }
}
