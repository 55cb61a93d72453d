using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// Reads JPEG files of 8 bits, sequential or progressive, with every sampling that divides, of grey, colour or inks, to the bit as
/// libjpeg-turbo and Pillow. Files are not trusted: nothing is allocated by a size that the file's own length does not allow.
/// </summary>
static class JpegReader
{
    /// <summary>The most scans of a progressive picture; encoders write about ten.</summary>
    public const int MaxScans = 500;

    /// <summary>How every JPEG begins.</summary>
    public static ReadOnlySpan<byte> Signature => [0xff, 0xd8, 0xff];

    /// <summary>The width and height of the frame.</summary>
    /// <exception cref="PeaException">The file is damaged before it, or of a kind that is not read.</exception>
    public static (int Width, int Height) ReadSize(ReadOnlySpan<byte> file, string name)
    {
        for (var position = 2; ;)
        {
            var marker = NextMarker(file, ref position, name);
            if (marker is 0x01 or (>= 0xd0 and <= 0xd7)) continue;
            if (marker is 0xd8 or 0xd9 or 0xda) throw new PeaException($"{name}: marker {marker:x2} before the frame: the file is damaged");
            var segment = Segment(file, ref position, marker, name);
            if (marker is 0xc0 or 0xc1 or 0xc2)
            {
                var frame = JpegFrame.Parse(segment, marker == 0xc2, name);
                return (frame.Width, frame.Height);
            }
            if (marker is >= 0xc3 and <= 0xcf and not 0xc4) throw new PeaException($"{name}: {Unread(marker)}, expected a baseline or progressive one with Huffman codes");
        }
    }

    /// <summary>Reads a file's bytes as colour; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">It is damaged, or of a kind that is not read.</exception>
    public static PixelImage Read(ReadOnlySpan<byte> file, string name)
    {
        var tables = new JpegTables();
        var texts = new List<PictureText>();
        JpegFrame? frame = null;
        var (position, restartInterval, scans, orientation) = (2, 0, 0, 1);
        var isJfif = false;
        int? adobe = null;
        while (true)
        {
            var marker = NextMarker(file, ref position, name);
            if (marker == 0xd9) break;
            // RST0 to RST7 and TEM have no segment.
            if (marker is 0x01 or (>= 0xd0 and <= 0xd7)) continue;
            if (marker == 0xd8) throw new PeaException($"{name}: a second beginning at byte {position - 2}: the file is damaged");
            var segment = Segment(file, ref position, marker, name);
            switch (marker)
            {
                case 0xc0 or 0xc1 or 0xc2:
                    if (frame != null) throw new PeaException($"{name}: two frames, expected one");
                    frame = JpegFrame.Parse(segment, marker == 0xc2, name);
                    break;
                case 0xc4:
                    tables.ReadHuffman(segment, name);
                    break;
                case >= 0xc3 and <= 0xcf:
                    throw new PeaException($"{name}: {Unread(marker)}, expected a baseline or progressive one with Huffman codes");
                case 0xda:
                    if (frame == null) throw new PeaException($"{name}: a scan before the frame, expected SOF0, SOF1 or SOF2");
                    if (scans == 0) frame.Allocate(file.Length - position, name);
                    if (++scans > MaxScans) throw new PeaException($"{name}: more than {MaxScans} scans, expected at most that");
                    position = JpegScan.Decode(file, position, segment, frame, tables, restartInterval, name);
                    break;
                case 0xdb:
                    tables.ReadQuantization(segment, name);
                    break;
                case 0xdd:
                    if (segment.Length != 2) throw new PeaException($"{name}: a restart interval of {segment.Length} bytes, expected 2");
                    restartInterval = BinaryPrimitives.ReadUInt16BigEndian(segment);
                    break;
                case 0xe0:
                    isJfif |= segment.StartsWith("JFIF\0"u8);
                    break;
                case 0xe1:
                    if (Exif.Read(segment) is not { } exif) break;
                    orientation = exif.Orientation;
                    if (exif.Comment is { } comment) texts.Add(new(PictureText.Parameters, comment));
                    break;
                case 0xee:
                    if (segment.StartsWith("Adobe"u8) && segment.Length >= 12) adobe = segment[11];
                    break;
                case 0xfe:
                    texts.Add(JpegComment.Read(segment));
                    break;
            }
            // A sequential picture is whole with its last component, a progressive one when the file says so.
            if (frame is { IsProgressive: false } && frame.Components.All(component => component.IsSent)) break;
        }
        if (frame == null) throw new PeaException($"{name}: ends without a frame: the file is damaged");
        if (frame.Components.FirstOrDefault(component => !component.IsSent) is { } missing)
            throw new PeaException($"{name}: ends without a scan of component {missing.Id}: the file is damaged");
        var image = JpegPixels.Convert(frame, Colour(frame, isJfif, adobe));
        (image.Texts, image.Orientation) = (texts, orientation);
        return image;
    }

    /// <summary>What libjpeg takes the components for.</summary>
    static JpegColour Colour(JpegFrame frame, bool isJfif, int? adobe) => frame.Components.Count switch
    {
        1 => JpegColour.Grey,
        4 => adobe is null or 0 ? JpegColour.Cmyk : JpegColour.Ycck,
        _ when isJfif => JpegColour.YCbCr,
        _ when adobe is { } transform => transform == 0 ? JpegColour.Rgb : JpegColour.YCbCr,
        _ => frame.Components.Select(component => (char)component.Id).SequenceEqual("RGB") ? JpegColour.Rgb : JpegColour.YCbCr,
    };

    static int NextMarker(ReadOnlySpan<byte> file, ref int position, string name)
    {
        var bits = new JpegBits(file, position);
        var marker = bits.SkipToMarker();
        position = bits.Position;
        return marker >= 0 ? marker : throw new PeaException($"{name}: ends at byte {file.Length} within the picture, expected more: the file is truncated");
    }

    static ReadOnlySpan<byte> Segment(ReadOnlySpan<byte> file, ref int position, int marker, string name)
    {
        var rest = file[position..];
        var length = rest.Length < 2 ? 2 : BinaryPrimitives.ReadUInt16BigEndian(rest);
        if (length > rest.Length) throw new PeaException($"{name}: the segment of marker {marker:x2} at byte {position} has {length} bytes, the file only {rest.Length} more: it is truncated");
        if (length < 2) throw new PeaException($"{name}: the segment of marker {marker:x2} at byte {position} has {length} bytes, expected at least 2");
        position += length;
        return rest[2..length];
    }

    static string Unread(int marker) => marker switch
    {
        0xc3 => "a lossless JPEG",
        0xc8 => "a JPEG with extensions",
        > 0xc8 => "a JPEG with arithmetic codes",
        _ => "a hierarchical JPEG",
    };
}
