namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>The tokenizers library's byte-pair encoding: a word's characters are its first symbols.</summary>
/// <param name="vocabulary">Token to id.</param>
/// <param name="merges">What merges.</param>
/// <param name="unknownId">The id of a character that is no token, or null where such characters go.</param>
/// <param name="byteIds">[256] the ids of bytes that stand for such a character, or null.</param>
/// <param name="fusesUnknown">Whether a run of unknown characters is one.</param>
/// <param name="ignoresMerges">Whether a word that is a token is taken as it is.</param>
sealed class PairModel(Dictionary<string, int> vocabulary, PairMerges merges, int? unknownId, int[]? byteIds, bool fusesUnknown, bool ignoresMerges) : ITokenModel
{
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> tokens = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <inheritdoc/>
    public void Encode(string word, List<int> ids)
    {
        if (ignoresMerges && vocabulary.TryGetValue(word, out var whole))
        {
            ids.Add(whole);
            return;
        }
        var symbols = new List<int>(word.Length);
        var afterUnknown = false;
        Span<char> character = stackalloc char[2];
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in word.EnumerateRunes())
        {
            var isUnknown = !tokens.TryGetValue(character[..rune.EncodeToUtf16(character)], out var id);
            if (!isUnknown) symbols.Add(id);
            else if (byteIds != null)
                foreach (var value in bytes[..rune.EncodeToUtf8(bytes)]) symbols.Add(byteIds[value]);
            else if (unknownId is { } unknown && !(fusesUnknown && afterUnknown)) symbols.Add(unknown);
            afterUnknown = isUnknown;
        }
        merges.Apply([.. symbols], ids, new());
    }
}
