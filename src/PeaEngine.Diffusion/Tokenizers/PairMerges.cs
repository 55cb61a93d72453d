namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>The merges of a byte-pair encoding: of all neighbours that merge, those of the lowest rank do first, leftmost first, until none can.</summary>
sealed class PairMerges
{
    const int None = -1, StackSymbols = 64;

    readonly Dictionary<(int Left, int Right), (int Rank, int Id)> merges;

    /// <summary>Merges, best first.</summary>
    /// <param name="path">The file of the merges, for messages.</param>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="pairs">The merges.</param>
    /// <exception cref="PeaException">A merge is of or to a token that the vocabulary lacks.</exception>
    public PairMerges(string path, Dictionary<string, int> vocabulary, List<(string Left, string Right)> pairs)
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
    }

    /// <summary>Merges symbols in place and appends what is left. The time is of order n log n in their number.</summary>
    /// <param name="symbols">Ids of the smallest tokens.</param>
    /// <param name="ids">Where the merged ids go.</param>
    /// <param name="queue">An empty queue, empty again at the end: one serves all words of a text.</param>
    public void Apply(Span<int> symbols, List<int> ids, PriorityQueue<(int At, int Id), (int Rank, int At)> queue)
    {
        var count = symbols.Length;
        if (count == 0) return;
        var links = count <= StackSymbols ? stackalloc int[2 * count] : new int[2L * count];
        Span<int> next = links[..count], previous = links[count..];
        for (var i = 0; i < count; i++) (previous[i], next[i]) = (i - 1, i == count - 1 ? None : i + 1);
        for (var i = 0; i + 1 < count; i++) Offer(symbols, i, i + 1, queue);
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
            if (previous[at] != None) Offer(symbols, previous[at], at, queue);
            if (next[at] != None) Offer(symbols, at, next[at], queue);
        }
        for (var i = 0; i != None; i = next[i]) ids.Add(symbols[i]);
    }

    void Offer(ReadOnlySpan<int> symbols, int left, int right, PriorityQueue<(int At, int Id), (int Rank, int At)> queue)
    {
        if (merges.TryGetValue((symbols[left], symbols[right]), out var merge)) queue.Enqueue((left, merge.Id), (merge.Rank, left));
    }
}
