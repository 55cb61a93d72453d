using System.Text;
using PieceKind = PeaEngine.Diffusion.Tokenizers.SentencePieceModel.PieceKind;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>SentencePiece: a text's pieces by the ids of the model's own file.</summary>
sealed class SentencePieceProcessor
{
    readonly SentencePieceModel file;
    readonly SentencePieceNormalizer normalizer;
    readonly PieceEncoder encoder;
    readonly Dictionary<string, int> ids = [];

    SentencePieceProcessor(SentencePieceModel file)
    {
        this.file = file;
        PieceTrie pieces = new(), userDefined = new();
        UnknownId = -1;
        for (var id = 0; id < file.Pieces.Count; id++)
        {
            var (text, _, kind) = file.Pieces[id];
            if (kind == PieceKind.Unknown) UnknownId = UnknownId < 0 ? id : throw file.Wrong($"pieces {UnknownId} and {id} both stand for what is unknown");
            if (kind == PieceKind.UserDefined) userDefined.TryAdd(text.Span, id);
            var isNormal = kind is PieceKind.Normal or PieceKind.UserDefined || (kind == PieceKind.Unused && file.Model == SentencePieceModel.ModelKind.Bpe);
            if (isNormal && !pieces.TryAdd(text.Span, id)) throw file.Wrong($"piece {id}, '{TokenizerJson.Quote(TextOf(id))}', is there twice");
            ids.TryAdd(TextOf(id), id);
        }
        if (UnknownId < 0) throw file.Wrong("no piece stands for what is unknown");
        normalizer = new(file.PrecompiledCharsmap.Length > 0 ? new(file.Path, file.PrecompiledCharsmap) : null, userDefined)
        {
            AddDummyPrefix = file.AddDummyPrefix,
            RemoveExtraWhitespaces = file.RemoveExtraWhitespaces,
            EscapeWhitespaces = file.EscapeWhitespaces,
            TreatWhitespaceAsSuffix = file.TreatWhitespaceAsSuffix,
        };
        IPieceModel model = file.Model == SentencePieceModel.ModelKind.Unigram ? UnigramOf(pieces) : new PieceMerging(
            pieces,
            [.. file.Pieces.Select(piece => piece.Score)],
            [.. file.Pieces.Select(piece => piece.Kind == PieceKind.Unused)],
            userDefined);
        encoder = new(model, UnknownId, file.ByteFallback ? ByteIds() : null);
    }

    /// <summary>The id of what is unknown.</summary>
    public int UnknownId { get; }

    /// <summary>Reads a <c>.model</c> file.</summary>
    /// <exception cref="PeaException">It cannot be read or used.</exception>
    public static SentencePieceProcessor Load(string path) => new(SentencePieceModel.Read(path));

    /// <summary>The id of a piece of any kind, or null.</summary>
    public int? Find(string piece) => ids.TryGetValue(piece, out var id) ? id : null;

    /// <summary>The ids of a text's pieces; what is unknown is one id for each run of it, or its bytes where the model has pieces for them.</summary>
    public List<int> Encode(string text)
    {
        var encoded = new List<int>();
        encoder.Encode(normalizer.Normalize(text), encoded);
        return encoded;
    }

    string TextOf(int id) => Encoding.UTF8.GetString(file.Pieces[id].Text.Span);

    int[] ByteIds() => PieceEncoder.ByteIds(name => Find(name) is { } id && file.Pieces[id].Kind == PieceKind.Byte ? id : throw file.Wrong($"byte_fallback without a piece {name}"));

    Unigram UnigramOf(PieceTrie pieces)
    {
        var normal = file.Pieces.Where(piece => piece.Kind == PieceKind.Normal).Select(piece => piece.Score).DefaultIfEmpty(float.MaxValue);
        // The library begins its search for the largest score at FLT_MIN, the smallest number above zero.
        const float smallestNormal = 1.17549435e-38f;
        var largest = Math.Max(smallestNormal, normal.Max());
        var scores = file.Pieces.Select(piece => piece.Kind == PieceKind.UserDefined ? piece.Text.Length * largest - 0.1 : piece.Score);
        return new(pieces, [.. scores], normal.Min() - Unigram.UnknownPenalty, single: true);
    }
}
