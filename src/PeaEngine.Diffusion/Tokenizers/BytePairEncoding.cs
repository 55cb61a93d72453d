using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// Byte-level byte-pair encoding as the tokenizers library does it: a word's UTF-8 bytes become symbols, the last with the
/// end-of-word suffix, and the neighbours of lowest rank merge, leftmost first, until none can.
/// </summary>
sealed class BytePairEncoding
{
    /// <summary>What the last symbol of a word ends with.</summary>
    public const string EndOfWord = "</w>";

    const int StackBytes = 64;

    /// <summary>GPT-2's printable stand-ins: bytes that are visible Latin-1 characters stand for themselves, the others follow U+0100.</summary>
    public static readonly char[] Symbols = StandIns();

    readonly PairMerges merges;
    readonly int[] byteIds = new int[256], lastByteIds = new int[256];

    /// <summary>An encoding from its vocabulary and its merges, best first.</summary>
    /// <param name="path">The file of the merges, for messages.</param>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="pairs">The merges.</param>
    /// <param name="unknownId">What a byte becomes that the vocabulary lacks.</param>
    /// <exception cref="PeaException">A merge is of or to a token that the vocabulary lacks.</exception>
    public BytePairEncoding(string path, Dictionary<string, int> vocabulary, List<(string Left, string Right)> pairs, int unknownId)
    {
        merges = new(path, vocabulary, pairs);
        for (var value = 0; value < Symbols.Length; value++)
        {
            var symbol = Symbols[value].ToString();
            byteIds[value] = vocabulary.GetValueOrDefault(symbol, unknownId);
            lastByteIds[value] = vocabulary.GetValueOrDefault(symbol + EndOfWord, unknownId);
        }
    }

    /// <summary>Appends the ids of a word. The time is of order n log n in its length.</summary>
    /// <param name="word">The word.</param>
    /// <param name="ids">Where its ids go.</param>
    /// <param name="queue">An empty queue, empty again at the end: one serves all words of a text.</param>
    public void Encode(ReadOnlySpan<char> word, List<int> ids, PriorityQueue<(int At, int Id), (int Rank, int At)> queue)
    {
        if (word.IsEmpty) return;
        var count = Encoding.UTF8.GetByteCount(word);
        var bytes = count <= StackBytes ? stackalloc byte[count] : new byte[count];
        Encoding.UTF8.GetBytes(word, bytes);
        var symbols = count <= StackBytes ? stackalloc int[count] : new int[count];
        for (var i = 0; i < count; i++) symbols[i] = (i == count - 1 ? lastByteIds : byteIds)[bytes[i]];
        merges.Apply(symbols, ids, queue);
    }

    /// <summary>The text of tokens, a space after each word but the last.</summary>
    public static string Decode(IEnumerable<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            var isEnd = token.EndsWith(EndOfWord, StringComparison.Ordinal);
            foreach (var symbol in isEnd ? token[..^EndOfWord.Length] : token)
                if (Array.IndexOf(Symbols, symbol) is >= 0 and var value) bytes.Add((byte)value);
            if (isEnd) bytes.Add((byte)' ');
        }
        return Encoding.UTF8.GetString([.. bytes]).TrimEnd(' ');
    }

    /// <summary>A printable character for each byte of a text in UTF-8.</summary>
    public static string StandInsOf(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return string.Concat(bytes.Select(value => Symbols[value]));
    }

    static char[] StandIns()
    {
        var symbols = new char[256];
        for (int value = 0, moved = 0; value < symbols.Length; value++)
            symbols[value] = (char)(value is >= '!' and <= '~' or >= '¡' and <= '¬' or >= '®' ? value : 256 + moved++);
        return symbols;
    }
}
