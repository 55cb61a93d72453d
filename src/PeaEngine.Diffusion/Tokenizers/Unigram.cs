namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>
/// A unigram language model: the cut of a text whose pieces have the largest sum of scores, found by Viterbi's algorithm from left to
/// right. Of two cuts with the same sum, the one whose last piece begins first is taken.
/// </summary>
/// <param name="pieces">The pieces.</param>
/// <param name="scores">[ids] the logarithm of each one's probability.</param>
/// <param name="unknownScore">That of a character which is no piece.</param>
/// <param name="single">Whether sums are rounded to single precision, as SentencePiece's are; those of the tokenizers library are not.</param>
sealed class Unigram(PieceTrie pieces, double[] scores, double unknownScore, bool single) : IPieceModel
{
    /// <summary>What a character that is no piece scores less than the least probable piece.</summary>
    public const float UnknownPenalty = 10;

    /// <inheritdoc/>
    public void Segment(ReadOnlySpan<byte> text, List<Piece> found)
    {
        if (text.IsEmpty) return;
        var best = new Step[text.Length + 1];
        best.AsSpan().Fill(new(0, PieceTrie.None, PieceTrie.None));
        for (int start = 0, character; start < text.Length; start += character)
        {
            character = Utf8Text.CharacterLength(text[start..]);
            var sum = best[start].Sum;
            var isPiece = false;
            for (int end = start, node = PieceTrie.Root; end < text.Length;)
            {
                node = pieces.Next(node, text[end++]);
                if (node == PieceTrie.None) break;
                if (pieces.IdAt(node) is not (>= 0 and var id)) continue;
                Offer(ref best[end], scores[id] + sum, start, id);
                isPiece |= end - start == character;
            }
            if (!isPiece) Offer(ref best[start + character], unknownScore + sum, start, PieceTrie.None);
        }
        var first = found.Count;
        for (var end = text.Length; end > 0; end = best[end].Start) found.Add(new(best[end].Start, end - best[end].Start, best[end].Id));
        found.Reverse(first, found.Count - first);
    }

    void Offer(ref Step step, double sum, int start, int id)
    {
        if (single) sum = (float)sum;
        if (step.Start == PieceTrie.None || sum > step.Sum) step = new(sum, start, id);
    }

    /// <summary>The best way to a place: its sum, and the last piece.</summary>
    readonly record struct Step(double Sum, int Start, int Id);
}
