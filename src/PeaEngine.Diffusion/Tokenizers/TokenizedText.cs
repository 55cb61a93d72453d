namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>A text at a fixed length.</summary>
/// <param name="Ids">[length] tokens.</param>
/// <param name="Mask">[length] 1 for a token, 0 for padding.</param>
public readonly record struct TokenizedText(int[] Ids, byte[] Mask)
{
    /// <summary>Puts tokens between special ones, leaving out those at the end that do not fit, and fills what is left.</summary>
    internal static TokenizedText Of(ReadOnlySpan<int> first, List<int> tokens, ReadOnlySpan<int> last, int pad, int length)
    {
        var special = first.Length + last.Length;
        if (length < Math.Max(special, 1)) throw new OptionException($"a text of {length} tokens, expected at least {Math.Max(special, 1)} for the special tokens");
        var count = Math.Min(tokens.Count, length - special);
        int[] ids = new int[length];
        byte[] mask = new byte[length];
        first.CopyTo(ids);
        tokens.CopyTo(0, ids, first.Length, count);
        last.CopyTo(ids.AsSpan(first.Length + count));
        ids.AsSpan(special + count).Fill(pad);
        mask.AsSpan(0, special + count).Fill(1);
        return new(ids, mask);
    }
}
