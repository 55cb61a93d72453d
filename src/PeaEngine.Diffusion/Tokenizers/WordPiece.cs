namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>WordPiece: the longest token that a word begins with, then the longest that goes on with the rest; a word that cannot be spelled so is unknown.</summary>
sealed class WordPiece : ITokenModel
{
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> beginnings, continuations;
    readonly int unknownId, maxInputCharsPerWord, longest;

    /// <summary>A model.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="unknownId">The id of a word that cannot be spelled.</param>
    /// <param name="maxInputCharsPerWord">Characters of the longest word that is tried.</param>
    /// <param name="continuingSubwordPrefix">What tokens begin with that go on with a word.</param>
    public WordPiece(Dictionary<string, int> vocabulary, int unknownId, int maxInputCharsPerWord, string continuingSubwordPrefix = "##")
    {
        var inside = new Dictionary<string, int>();
        foreach (var (token, id) in vocabulary)
            if (token.StartsWith(continuingSubwordPrefix, StringComparison.Ordinal)) inside[token[continuingSubwordPrefix.Length..]] = id;
        (beginnings, continuations) = (vocabulary.GetAlternateLookup<ReadOnlySpan<char>>(), inside.GetAlternateLookup<ReadOnlySpan<char>>());
        (this.unknownId, this.maxInputCharsPerWord) = (unknownId, maxInputCharsPerWord);
        longest = vocabulary.Keys.Max(token => token.Length);
    }

    /// <inheritdoc/>
    public void Encode(string word, List<int> ids)
    {
        var count = ids.Count;
        if (word.Length <= maxInputCharsPerWord || word.EnumerateRunes().Count() <= maxInputCharsPerWord)
        {
            var rest = word.AsSpan();
            while (TryTake(ref rest, rest.Length == word.Length ? beginnings : continuations, out var id)) ids.Add(id);
            if (rest.IsEmpty) return;
            ids.RemoveRange(count, ids.Count - count);
        }
        ids.Add(unknownId);
    }

    bool TryTake(ref ReadOnlySpan<char> rest, Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> tokens, out int id)
    {
        id = unknownId;
        for (var length = Math.Min(rest.Length, longest); length > 0; length--)
        {
            if (!tokens.TryGetValue(rest[..length], out id)) continue;
            rest = rest[length..];
            return true;
        }
        return false;
    }
}
