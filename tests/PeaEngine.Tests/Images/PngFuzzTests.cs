using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>Damaged files give a picture or a clear error, never anything else.</summary>
public class PngFuzzTests
{
    const int MutationsPerFile = 150;

    [Fact]
    public void DamagedFilesAreReadOrRefused()
    {
        var random = new System.Random(20);
        var files = Seeds().SelectMany(good => Enumerable.Range(0, MutationsPerFile).Select(_ => Mutate(good, random)));
        var (read, refused) = Read(files);
        // Checksums and zlib's own find nearly every change.
        Assert.InRange(refused, MutationsPerFile, int.MaxValue);
        Assert.InRange(read, 10, int.MaxValue);
    }

    [Fact]
    public void RandomRowsOfEveryKindAreReadOrRefused()
    {
        var random = new System.Random(21);
        var (read, refused) = Read(Enumerable.Range(0, 1500).Select(_ => Make(random)));
        Assert.InRange(refused, 150, int.MaxValue);
        Assert.InRange(read, 150, int.MaxValue);
    }

    static (int Read, int Refused) Read(IEnumerable<byte[]> files)
    {
        var (read, refused) = (0, 0);
        foreach (var file in files)
            try
            {
                PixelImage.Decode(file, "fuzz.png");
                read++;
            }
            catch (PeaException error)
            {
                Assert.StartsWith("fuzz.png: ", error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', error.Message);
                refused++;
            }
        return (read, refused);
    }

    /// <summary>A picture of any size and kind with rows of noise, sometimes a byte too few or too many.</summary>
    static byte[] Make(System.Random random)
    {
        (int Depth, int Colour)[] kinds =
            [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2), (1, 3), (2, 3), (4, 3), (8, 3), (8, 4), (16, 4), (8, 6), (16, 6)];
        var (depth, colour) = kinds[random.Next(kinds.Length)];
        var header = new PngHeader(random.Next(1, 20), random.Next(1, 20), depth, (PngColour)colour, random.Next(2) == 1);
        var rows = new byte[header.InflatedBytes()];
        random.NextBytes(rows);
        var at = 0;
        foreach (var pass in header.Passes())
            for (var y = 0; y < pass.Height; y++, at += 1 + header.RowBytes(pass.Width))
                rows[at] = (byte)random.Next(random.Next(200) == 0 ? 256 : PngFilter.Count);
        if (random.Next(8) == 0) rows = random.Next(2) == 0 ? rows[..^1] : [.. rows, 0];
        return PngFiles.Of(
            PngFiles.Header(header.Width, header.Height, depth, colour, header.Interlaced ? 1 : 0),
            ("PLTE", new byte[3 * random.Next(1, 257)]),
            PngFiles.Data(rows),
            PngFiles.End);
    }

    static IEnumerable<byte[]> Seeds()
    {
        var folder = Path.Combine(Repository.Root, "tests", "golden", "images");
        foreach (var path in Directory.EnumerateFiles(folder, "*.png").Order(StringComparer.Ordinal)) yield return File.ReadAllBytes(path);
        yield return PngFiles.Of(
            PngFiles.Header(9, 7, 2, 3, 1),
            ("PLTE", new byte[12]),
            ("tEXt", [.. "Title\0text"u8]),
            ("zTXt", [.. "parameters\0\0"u8, .. PngFiles.Deflate([.. "a cat"u8])]),
            ("iTXt", [.. "note\0\u0001\0it\0nota\0"u8, .. PngFiles.Deflate([.. "老虎"u8])]),
            PngFiles.Data(new byte[34]),
            PngFiles.End);
    }

    static byte[] Mutate(byte[] good, System.Random random)
    {
        var file = Damage.Of(good, random);
        // With its checksums set right a change reaches what lies behind them.
        if (random.Next(4) != 0) PngFiles.SealAll(file);
        return file;
    }
}
