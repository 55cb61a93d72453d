using System.Globalization;
using System.Text;

namespace PeaEngine.Diffusion.Tokenizers;

/// <summary>The ids of the pieces that a model cuts; what is unknown is one id for each run of it, or its bytes where there are pieces for them.</summary>
/// <param name="model">Cuts.</param>
/// <param name="unknownId">The id of what is unknown.</param>
/// <param name="byteIds">[256] the ids of bytes, or null.</param>
sealed class PieceEncoder(IPieceModel model, int unknownId, int[]? byteIds) : ITokenModel
{
    /// <summary>The ids of bytes by the names that pieces for them have.</summary>
    public static int[] ByteIds(Func<string, int> idOf) => [.. Enumerable.Range(0, 256).Select(value => idOf(string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>")))];

    /// <inheritdoc/>
    public void Encode(string word, List<int> ids) => Encode(Encoding.UTF8.GetBytes(word), ids);

    /// <summary>Appends the ids of a text in UTF-8.</summary>
    public void Encode(ReadOnlySpan<byte> text, List<int> ids)
    {
        var pieces = new List<Piece>();
        model.Segment(text, pieces);
        var afterUnknown = false;
        foreach (var (start, length, id) in pieces)
        {
            if (id >= 0) ids.Add(id);
            else if (byteIds != null)
                foreach (var value in text.Slice(start, length)) ids.Add(byteIds[value]);
            else if (!afterUnknown) ids.Add(unknownId);
            afterUnknown = id < 0;
        }
    }
}
