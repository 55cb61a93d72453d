using System.Text;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// Texts in a JPEG. Parameters are EXIF's user comment, where A1111 keeps them; any other text is a comment segment: keyword, zero, text, as
/// in PNG's tEXt, but in UTF-8.
/// </summary>
static class JpegComment
{
    /// <summary>The keyword of a comment that has none.</summary>
    public const string Keyword = "Comment";

    /// <summary>The most bytes of a segment, without its length.</summary>
    public const int MaxSegmentBytes = ushort.MaxValue - 2;

    const byte ExifMarker = 0xe1, CommentMarker = 0xfe;

    /// <summary>Reads a comment; what is no UTF-8 is replaced.</summary>
    public static PictureText Read(ReadOnlySpan<byte> segment)
    {
        var end = segment.IndexOf((byte)0);
        // Some writers end a comment with a zero.
        return end > 0 && end < segment.Length - 1
            ? new(Encoding.UTF8.GetString(segment[..end]), Encoding.UTF8.GetString(segment[(end + 1)..]))
            : new(Keyword, Encoding.UTF8.GetString(segment.TrimEnd((byte)0)));
    }

    /// <summary>The segments of a picture's texts and orientation.</summary>
    /// <exception cref="PeaException">A text cannot be stored.</exception>
    public static IReadOnlyList<(byte Marker, byte[] Data)> Write(PixelImage image)
    {
        var segments = new List<(byte, byte[])>();
        var parameters = image.Texts.FirstOrDefault(text => text.Keyword == PictureText.Parameters);
        var exif = new Exif(image.Orientation, parameters.Text).ToJpeg();
        if (exif.Length > 0) segments.Add((ExifMarker, Fitting(exif, PictureText.Parameters)));
        foreach (var text in image.Texts)
        {
            text.Check("JPEG");
            if (text != parameters) segments.Add((CommentMarker, Fitting(Encoding.UTF8.GetBytes($"{text.Keyword}\0{text.Text}"), text.Keyword)));
        }
        return segments;
    }

    static byte[] Fitting(byte[] data, string keyword) =>
        data.Length <= MaxSegmentBytes ? data : throw new PeaException($"JPEG text '{keyword}': {data.Length} bytes, expected at most {MaxSegmentBytes}; a PNG has room for more");
}
