using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

/// <summary>Pillow's pixels of every picture in <c>images</c>, its resizes, and OpenCV's edges.</summary>
public class ImagesGoldenTests
{
    public static TheoryData<string> Pictures() => GoldenFolder.Cases("images", name => Path.GetExtension(name) != ".safetensors", files: true);

    public static TheoryData<string> Resizes() => Tensors("resize.safetensors");

    public static TheoryData<string> Edges() => Tensors("canny.safetensors");

    /// <summary>The tensors of a file that are made from its <c>source</c>.</summary>
    static TheoryData<string> Tensors(string file)
    {
        var data = new TheoryData<string>();
        var path = GoldenFolder.At("images", file);
        if (File.Exists(path))
        {
            using var tensors = GoldenTensors.Open(path);
            foreach (var name in tensors.Names.Where(name => name != "source").Order(StringComparer.Ordinal)) data.Add(name);
        }
        if (data.Count == 0) data.Add("");
        return data;
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Reads(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var expected = GoldenTensors.Open(GoldenFolder.At("images", "expected.safetensors"));
        if (name.EndsWith(".webp", StringComparison.Ordinal) && LibWebP.Find() == null)
        {
            Assert.Contains("libwebp", Assert.Throws<PeaException>(() => PixelImage.Load(GoldenFolder.At("images", name))).Message, StringComparison.Ordinal);
            return;
        }
        var image = PixelImage.Load(GoldenFolder.At("images", name));
        Assert.Equal(expected[name].Shape, new[] { image.Height, image.Width, image.Channels });
        Assert.Equal((image.Width, image.Height), PixelImage.ReadSize(File.ReadAllBytes(GoldenFolder.At("images", name)), name));
        PixelAssert.Equal(expected.Bytes(name), image);
    }

    [Theory]
    [MemberData(nameof(Resizes))]
    public void ResizesToTheBit(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var tensors = GoldenTensors.Open(GoldenFolder.At("images", "resize.safetensors"));
        var shape = tensors["source"].Shape;
        var source = new PixelImage(shape[1], shape[0], shape[2], tensors.Bytes("source"));
        var filter = Enum.Parse<ResampleFilter>(name.Split('.')[0], ignoreCase: true);
        var size = tensors[name].Shape;
        PixelAssert.Equal(tensors.Bytes(name), source.Resize(size[1], size[0], filter));
    }

    [Theory]
    [MemberData(nameof(Edges))]
    public void FindsEdgesToTheBit(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var tensors = GoldenTensors.Open(GoldenFolder.At("images", "canny.safetensors"));
        var shape = tensors["source"].Shape;
        var source = new PixelImage(shape[1], shape[0], shape[2], tensors.Bytes("source"));
        var thresholds = Array.ConvertAll(name.Split('.')[1..], int.Parse);
        PixelAssert.Equal(tensors.Bytes(name), Canny.Edges(source, new(thresholds[0], thresholds[1])));
    }

    [Fact]
    public void AGreyPictureResizesAsAColouredOneOfEqualChannels()
    {
        var path = GoldenFolder.At("images", "gray.png");
        if (GoldenFolder.MayLack && !File.Exists(path)) return;
        var coloured = PixelImage.Load(path);
        foreach (var filter in Enum.GetValues<ResampleFilter>())
            PixelAssert.Equal(coloured.Resize(23, 90, filter).ToGrey(), coloured.ToGrey().Resize(23, 90, filter));
    }
}
