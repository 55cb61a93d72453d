using System.Text;

namespace PeaEngine.Diffusion.Images;

/// <summary>Texts in the comments of a JPEG: keyword, zero, text, as in PNG's tEXt, but in UTF-8.</summary>
static class JpegComment
{
    /// <summary>The keyword of a comment that has none.</summary>
    public const string Keyword = "Comment";

    /// <summary>Reads a comment; what is no UTF-8 is replaced.</summary>
    public static PictureText Read(ReadOnlySpan<byte> segment)
    {
        var end = segment.IndexOf((byte)0);
        // Some writers end a comment with a zero.
        return end > 0 && end < segment.Length - 1
            ? new(Encoding.UTF8.GetString(segment[..end]), Encoding.UTF8.GetString(segment[(end + 1)..]))
            : new(Keyword, Encoding.UTF8.GetString(segment.TrimEnd((byte)0)));
    }
}
