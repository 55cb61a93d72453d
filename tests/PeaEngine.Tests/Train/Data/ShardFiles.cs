using System.Formats.Tar;
using System.Text;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Train.Data;

/// <summary>Shards for tests, written by .NET's own tar writer, which shares nothing with the reader.</summary>
static class ShardFiles
{
    /// <summary>An archive of files in their order.</summary>
    public static byte[] Tar(IEnumerable<(string Name, byte[] Data)> files, TarEntryFormat format = TarEntryFormat.Pax)
    {
        var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, format, leaveOpen: true))
            foreach (var (name, data) in files) writer.WriteEntry(Entry(format, name, data));
        return stream.ToArray();
    }

    /// <summary>Samples with a picture of the given size and metadata.</summary>
    public static byte[] Samples(IEnumerable<(string Key, int Width, int Height, string Metadata)> samples) =>
        Tar(samples.SelectMany(sample => new[] { ($"{sample.Key}.png", Picture(sample.Width, sample.Height, sample.Key)), ($"{sample.Key}.json", Encoding.UTF8.GetBytes(sample.Metadata)) }));

    /// <summary>A PNG whose pixels depend on a text.</summary>
    public static byte[] Picture(int width, int height, string text)
    {
        var image = new PixelImage(width, height);
        for (var i = 0; i < image.Pixels.Length; i++) image.Pixels[i] = (byte)(text[i % text.Length] * 31 + i / 3 % width * 5 + i / 3 / width * 3);
        var stream = new MemoryStream();
        image.SavePng(stream);
        return stream.ToArray();
    }

    static TarEntry Entry(TarEntryFormat format, string name, byte[] data)
    {
        TarEntry entry = format switch
        {
            TarEntryFormat.V7 => new V7TarEntry(TarEntryType.V7RegularFile, name),
            TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
            _ => new PaxTarEntry(TarEntryType.RegularFile, name),
        };
        entry.ModificationTime = DateTimeOffset.UnixEpoch;
        entry.DataStream = new MemoryStream(data);
        return entry;
    }
}
