using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Images;

/// <summary>Picture files of any kind that is read, recognised by their first bytes.</summary>
static class PictureFile
{
    const long MaxFileBytes = 1 << 30;

    /// <summary>Reads a file as colour.</summary>
    /// <exception cref="PeaException">It cannot be read, is no picture of a kind that is read, or is damaged.</exception>
    public static PixelImage Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            using var file = new MemoryStream();
            var buffer = new byte[1 << 16];
            // The first bytes decide: a checkpoint given by mistake is not read to its end.
            for (int got; (got = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0;)
            {
                if (file.Length == 0) Recognise(buffer.AsSpan(0, got), path);
                file.Write(buffer, 0, got);
                if (file.Length > MaxFileBytes) throw new PeaException($"{path}: more than {MaxFileBytes} bytes, expected a picture");
            }
            return Read(file.GetBuffer().AsMemory(0, (int)file.Length), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = exception is FileNotFoundException or DirectoryNotFoundException ? "no such file" : exception.Message.ReplaceLineEndings(" ");
            throw new PeaException($"{path}: cannot be read: {reason}", exception);
        }
    }

    /// <summary>Reads a file's bytes as colour; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">They are no picture of a kind that is read, or damaged.</exception>
    public static PixelImage Read(ReadOnlyMemory<byte> file, string name) => Recognise(file.Span, name) switch
    {
        Kind.Png => PngReader.Read(file, name),
        Kind.Jpeg => JpegReader.Read(file.Span, name),
        Kind.Bmp => BmpReader.Read(file.Span, name),
        _ => WebPReader.Read(file.Span, name, LibWebP.Find()),
    };

    /// <summary>The width and height that a file's bytes claim; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">They are no picture of a kind that is read, or damaged at the beginning.</exception>
    public static (int Width, int Height) ReadSize(ReadOnlyMemory<byte> file, string name) => Recognise(file.Span, name) switch
    {
        Kind.Png => PngReader.ReadSize(file, name),
        Kind.Jpeg => JpegReader.ReadSize(file.Span, name),
        Kind.Bmp => BmpReader.ReadSize(file.Span, name),
        _ => WebPReader.ReadSize(file.Span, name, LibWebP.Find()),
    };

    /// <summary>Writes a file of the kind that its name's ending says.</summary>
    /// <exception cref="PeaException">It is none that is written, or the file cannot be written.</exception>
    public static void Write(string path, PixelImage image, JpegOptions jpeg)
    {
        if (IsPng(path)) AtomicFile.Write(path, image.SavePng);
        else if (IsJpeg(path)) AtomicFile.Write(path, stream => image.SaveJpeg(stream, jpeg));
        else throw new PeaException($"'{path.ReplaceLineEndings(" ")}': expected a name that ends in .png, .jpg or .jpeg");
    }

    /// <summary>Whether the ending is PNG's.</summary>
    public static bool IsPng(string path) => path.EndsWith(".png", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the ending is JPEG's.</summary>
    public static bool IsJpeg(string path) => path.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".jpeg", StringComparison.OrdinalIgnoreCase);

    enum Kind { Png, Jpeg, Bmp, WebP }

    static Kind Recognise(ReadOnlySpan<byte> file, string name)
    {
        if (file.StartsWith(PngReader.Signature)) return Kind.Png;
        if (file.StartsWith(JpegReader.Signature)) return Kind.Jpeg;
        if (file.StartsWith(BmpReader.Signature)) return Kind.Bmp;
        if (WebPReader.Begins(file)) return Kind.WebP;
        var kind = file switch
        {
            [] => "an empty file",
            [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => "a GIF",
            [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] => "a TIFF",
            _ when PngReader.Signature.StartsWith(file) => "only the beginning of a PNG",
            _ => "no picture of a known kind",
        };
        throw new PeaException($"{name}: {kind}, expected a PNG, JPEG, BMP or WebP");
    }
}
