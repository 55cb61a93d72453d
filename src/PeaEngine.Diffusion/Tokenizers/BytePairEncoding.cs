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

    const int None = -1, StackBytes = 64;

    /// <summary>GPT-2's printable stand-ins: bytes that are visible Latin-1 characters stand for themselves, the others follow U+0100.</summary>
    public static readonly char[] Symbols = StandIns();

    readonly Dictionary<(int Left, int Right), (int Rank, int Id)> merges;
    readonly int[] byteIds = new int[256], lastByteIds = new int[256];

    /// <summary>An encoding from its vocabulary and its merges, best first.</summary>
    /// <param name="path">The file of the merges, for messages.</param>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="pairs">The merges.</param>
    /// <param name="unknownId">What a byte becomes that the vocabulary lacks.</param>
    /// <exception cref="PeaException">A merge is of or to a token that the vocabulary lacks.</exception>
    public BytePairEncoding(string path, Dictionary<string, int> vocabulary, List<(string Left, string Right)> pairs, int unknownId)
    {
        merges = new(pairs.Count);
        for (var rank = 0; rank < pairs.Count; rank++)
        {
            var (left, right) = pairs[rank];
            merges[(IdOf(left), IdOf(right))] = (rank, IdOf(left + right));

            int IdOf(string token) => vocabulary.TryGetValue(token, out var id)
                ? id
                : throw new PeaException($"{path}: merge {rank}, '{TokenizerJson.Quote($"{left} {right}")}', needs a token '{TokenizerJson.Quote(token)}', which the vocabulary lacks");
        }
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
        var numbers = count <= StackBytes ? stackalloc int[3 * count] : new int[3L * count];
        var chain = new Chain(numbers[..count], numbers[count..^count], numbers[^count..]);
        for (var i = 0; i < count; i++)
        {
            chain.Symbols[i] = (i == count - 1 ? lastByteIds : byteIds)[bytes[i]];
            (chain.Previous[i], chain.Next[i]) = (i - 1, i == count - 1 ? None : i + 1);
        }
        Merge(chain, queue);
        for (var i = 0; i != None; i = chain.Next[i]) ids.Add(chain.Symbols[i]);
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

    static char[] StandIns()
    {
        var symbols = new char[256];
        for (int value = 0, moved = 0; value < symbols.Length; value++)
            symbols[value] = (char)(value is >= '!' and <= '~' or >= '¡' and <= '¬' or >= '®' ? value : 256 + moved++);
        return symbols;
    }

    /// <summary>Merges in place: what is left is the chain that begins at 0.</summary>
    void Merge(Chain chain, PriorityQueue<(int At, int Id), (int Rank, int At)> queue)
    {
        Span<int> symbols = chain.Symbols, next = chain.Next, previous = chain.Previous;
        for (var i = 0; i + 1 < symbols.Length; i++) Offer(chain, i, queue);
        while (queue.TryDequeue(out var merge, out _))
        {
            var (at, id) = merge;
            // A stale offer: one of the two was merged away or changed since.
            if (symbols[at] == None || next[at] == None || !merges.TryGetValue((symbols[at], symbols[next[at]]), out var best) || best.Id != id) continue;
            var gone = next[at];
            symbols[at] = id;
            symbols[gone] = None;
            next[at] = next[gone];
            if (next[at] != None) previous[next[at]] = at;
            if (previous[at] != None) Offer(chain, previous[at], queue);
            if (next[at] != None) Offer(chain, at, queue);
        }
    }

    void Offer(Chain chain, int at, PriorityQueue<(int At, int Id), (int Rank, int At)> queue)
    {
        if (merges.TryGetValue((chain.Symbols[at], chain.Symbols[chain.Next[at]]), out var merge)) queue.Enqueue((at, merge.Id), (merge.Rank, at));
    }

    /// <summary>A doubly linked list of symbols.</summary>
    readonly ref struct Chain(Span<int> symbols, Span<int> next, Span<int> previous)
    {
        public Span<int> Symbols { get; } = symbols;

        public Span<int> Next { get; } = next;

        public Span<int> Previous { get; } = previous;
    }
}
