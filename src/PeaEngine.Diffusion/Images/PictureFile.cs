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
        _ => JpegReader.Read(file.Span, name),
    };

    enum Kind { Png, Jpeg }

    static Kind Recognise(ReadOnlySpan<byte> file, string name)
    {
        if (file.StartsWith(PngReader.Signature)) return Kind.Png;
        if (file.StartsWith(JpegReader.Signature)) return Kind.Jpeg;
        var kind = file switch
        {
            [] => "an empty file",
            [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => "a GIF",
            [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "a WebP",
            [(byte)'B', (byte)'M', ..] => "a BMP",
            [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] => "a TIFF",
            _ when PngReader.Signature.StartsWith(file) => "only the beginning of a PNG",
            _ => "no picture of a known kind",
        };
        throw new PeaException($"{name}: {kind}, expected a PNG or JPEG");
    }
}
