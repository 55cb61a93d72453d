namespace PeaEngine.Diffusion.Images;

/// <summary>A picture of 8-bit pixels, colour or grey, with the texts of its file.</summary>
public sealed class PixelImage
{
    /// <summary>The most pixels a picture may have.</summary>
    public const int MaxPixels = 1 << 27;

    readonly byte[] pixels;

    /// <summary>A black picture.</summary>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">3 for red, green and blue; 1 for grey.</param>
    /// <exception cref="PeaException">An extent is not positive, there are more than <see cref="MaxPixels"/>, or other channels.</exception>
    public PixelImage(int width, int height, int channels = 3)
    {
        CheckSize("picture", width, height);
        if (channels is not (1 or 3)) throw new PeaException($"picture: {channels} channels, expected 3 (colour) or 1 (grey)");
        (Width, Height, Channels) = (width, height, channels);
        pixels = new byte[width * height * channels];
    }

    /// <summary>A picture of the given bytes, which are copied.</summary>
    /// <exception cref="PeaException">As above, or the number of bytes is not width · height · channels.</exception>
    public PixelImage(int width, int height, int channels, ReadOnlySpan<byte> bytes) : this(width, height, channels)
    {
        if (bytes.Length != pixels.Length)
            throw new PeaException($"picture of {width}x{height}x{channels}: {bytes.Length} bytes, expected {pixels.Length}");
        bytes.CopyTo(pixels);
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>3 for red, green and blue; 1 for grey.</summary>
    public int Channels { get; }

    /// <summary>The bytes, [H, W, channels].</summary>
    public Span<byte> Pixels => pixels;

    /// <summary>Texts, in the order of the file: those that were read, or those to be written.</summary>
    public IReadOnlyList<PictureText> Texts { get; set; } = [];

    /// <summary>EXIF's orientation, 1 to 8: what is to be done to the pixels so that the picture stands upright; 1 is nothing. See <see cref="Upright"/>.</summary>
    public int Orientation { get; set; } = 1;

    /// <summary>One row's bytes, [W, channels].</summary>
    public Span<byte> Row(int y) => pixels.AsSpan(y * Width * Channels, Width * Channels);

    /// <summary>
    /// Reads a PNG, JPEG, BMP or WebP, whichever its bytes say, as colour: an alpha channel is dropped, of 16 bits the high byte is kept. The
    /// pixels are as stored; <see cref="Upright"/> turns them as the file wants it.
    /// </summary>
    /// <exception cref="PeaException">The file cannot be read, is of another kind, or is damaged.</exception>
    public static PixelImage Load(string path) => PictureFile.Read(path);

    /// <summary>Reads a file as <see cref="Load"/> does, and turns the picture as the file wants it: for whatever a person is to see or gives to draw from.</summary>
    /// <exception cref="PeaException">The file cannot be read, is of another kind, or is damaged.</exception>
    public static PixelImage LoadUpright(string path) => Load(path).Upright();

    /// <summary>Reads a file's bytes as <see cref="Load"/> does; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">They are of another kind, or damaged.</exception>
    public static PixelImage Decode(ReadOnlyMemory<byte> file, string name) => PictureFile.Read(file, name);

    /// <summary>The width and height that a file's bytes claim, without decoding its pixels; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="PeaException">They are of another kind, or damaged at the beginning.</exception>
    public static (int Width, int Height) ReadSize(ReadOnlyMemory<byte> file, string name) => PictureFile.ReadSize(file, name);

    /// <summary>Whether <see cref="Save"/> knows a kind of file by the path's ending: .png, .jpg or .jpeg.</summary>
    public static bool CanSave(string path) => PictureFile.IsPng(path) || PictureFile.IsJpeg(path);

    /// <summary>Writes a PNG or JPEG, as the path's ending says, with <see cref="Texts"/> and <see cref="Orientation"/>, wholly or not at all.</summary>
    /// <param name="path">Where; see <see cref="CanSave"/>.</param>
    /// <param name="jpeg">How a JPEG is written; null is Pillow's way.</param>
    /// <exception cref="PeaException">The ending is another, the file cannot be written, or a text cannot be stored.</exception>
    public void Save(string path, JpegOptions? jpeg = null) => PictureFile.Write(path, this, jpeg ?? new());

    /// <summary>Writes a PNG with <see cref="Texts"/> and <see cref="Orientation"/>.</summary>
    /// <exception cref="PeaException">A text cannot be stored.</exception>
    public void SavePng(Stream stream) => PngWriter.Write(stream, this);

    /// <summary>Writes a JPEG with <see cref="Texts"/> and <see cref="Orientation"/>, the bytes that libjpeg writes.</summary>
    /// <exception cref="PeaException">The quality is not 1 to 100, an extent is above 65535, or a text cannot be stored.</exception>
    public void SaveJpeg(Stream stream, JpegOptions options) => JpegWriter.Write(stream, this, options);

    /// <summary>The picture in grey as Pillow's <c>convert("L")</c> makes it: ITU-R 601-2 luma in 16-bit fixed point.</summary>
    public PixelImage ToGrey()
    {
        var grey = new PixelImage(Width, Height, 1) { Texts = Texts, Orientation = Orientation };
        if (Channels == 1) pixels.CopyTo(grey.pixels);
        else
            for (var i = 0; i < grey.pixels.Length; i++)
                grey.pixels[i] = (byte)((pixels[3 * i] * 19595 + pixels[3 * i + 1] * 38470 + pixels[3 * i + 2] * 7471 + 0x8000) >> 16);
        return grey;
    }

    /// <summary>The picture in another size, to the bit as Pillow's <c>resize</c> makes it.</summary>
    /// <exception cref="PeaException">An extent is not positive, or there are more than <see cref="MaxPixels"/>.</exception>
    public PixelImage Resize(int width, int height, ResampleFilter filter = ResampleFilter.Lanczos) =>
        ImageResize.Resize(this, width, height, filter);

    /// <summary>The picture as <see cref="Orientation"/> says that it is to be seen, to the bit as Pillow's <c>exif_transpose</c>; itself if nothing is to be done.</summary>
    public PixelImage Upright() => ImageTurn.Upright(this);

    /// <summary>Refuses a size that no picture may have.</summary>
    internal static void CheckSize(string name, long width, long height)
    {
        if (width <= 0 || height <= 0) throw new PeaException($"{name}: a size of {width}x{height}, expected positive numbers");
        if (width > MaxPixels || height > MaxPixels || width * height > MaxPixels)
            throw new PeaException($"{name}: a size of {width}x{height}, expected at most {MaxPixels} pixels");
    }
}
