namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours that make a piece together, those of the highest score are joined, leftmost
/// first, until none do. A piece that is marked unused takes part and is taken apart again at the end.
/// </summary>
/// <param name="pieces">The pieces, unused ones among them.</param>
/// <param name="scores">[ids] higher is joined earlier.</param>
/// <param name="unused">[ids] whether a piece must not be left over.</param>
/// <param name="userDefined">Pieces that are found first and never joined.</param>
sealed class PieceMerging(PieceTrie pieces, float[] scores, bool[] unused, PieceTrie userDefined) : IPieceModel
{
    const int None = PieceTrie.None;

    /// <inheritdoc/>
    public void Segment(ReadOnlySpan<byte> text, List<Piece> found)
    {
        var symbols = Symbols(text);
        // By trie node, the length of the left part that an unused piece was last offered with.
        var leftLengths = new Dictionary<int, int>();
        var queue = new PriorityQueue<(int Left, int Right, int Length), (float, int)>();
        for (var i = 1; i < symbols.Length; i++) Offer(text, symbols, queue, leftLengths, i - 1, i);
        while (queue.TryDequeue(out var join, out _))
        {
            ref Symbol left = ref symbols[join.Left], right = ref symbols[join.Right];
            // A stale offer: one of the two was joined to another since.
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != join.Length) continue;
            left.Node = pieces.Walk(left.Node, text.Slice(right.Start, right.Length));
            (left.Length, left.Next) = (join.Length, right.Next);
            if (right.Next != None) symbols[right.Next].Previous = join.Left;
            right.Length = 0;
            Offer(text, symbols, queue, leftLengths, left.Previous, join.Left);
            Offer(text, symbols, queue, leftLengths, join.Left, left.Next);
        }
        var apart = new Stack<(int Start, int Length)>();
        for (var i = symbols.Length > 0 ? 0 : None; i != None; i = symbols[i].Next)
        {
            apart.Push((symbols[i].Start, symbols[i].Length));
            while (apart.TryPop(out var part))
            {
                var node = pieces.Walk(PieceTrie.Root, text.Slice(part.Start, part.Length));
                var id = pieces.IdAt(node);
                if (id == None || !unused[id] || !leftLengths.TryGetValue(node, out var length)) found.Add(new(part.Start, part.Length, id));
                else
                {
                    apart.Push((part.Start + length, part.Length - length));
                    apart.Push((part.Start, length));
                }
            }
        }
    }

    /// <summary>The text's characters and user-defined pieces.</summary>
    Symbol[] Symbols(ReadOnlySpan<byte> text)
    {
        var symbols = new List<Symbol>(text.Length);
        for (int start = 0, length; start < text.Length; start += length)
        {
            var userLength = userDefined.LongestPrefix(text[start..]);
            length = userLength > 0 ? userLength : Utf8Text.CharacterLength(text[start..]);
            symbols.Add(new Symbol
            {
                Start = start,
                Length = length,
                Node = pieces.Walk(PieceTrie.Root, text.Slice(start, length)),
                IsFrozen = userLength > 0,
                Previous = symbols.Count - 1,
                Next = start + length < text.Length ? symbols.Count + 1 : None,
            });
        }
        return [.. symbols];
    }

    void Offer(ReadOnlySpan<byte> text, Symbol[] symbols, PriorityQueue<(int, int, int), (float, int)> queue, Dictionary<int, int> leftLengths, int left, int right)
    {
        if (left == None || right == None || symbols[left].IsFrozen || symbols[right].IsFrozen) return;
        var node = pieces.Walk(symbols[left].Node, text.Slice(symbols[right].Start, symbols[right].Length));
        if (pieces.IdAt(node) is not (>= 0 and var id)) return;
        queue.Enqueue((left, right, symbols[left].Length + symbols[right].Length), (-scores[id], left));
        if (unused[id]) leftLengths[node] = symbols[left].Length;
    }

    /// <summary>A stretch of the text in a doubly linked list; its length is 0 once it is joined to the one before it.</summary>
    struct Symbol
    {
        public int Start, Length, Node, Previous, Next;
        public bool IsFrozen;
    }
}
