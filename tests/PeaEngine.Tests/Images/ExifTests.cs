using System.Text;
using PeaEngine.Diffusion.Images;

namespace PeaEngine.Tests.Images;

public class ExifTests
{
    [Theory]
    [InlineData(1, "a cat, café, 老虎 🐯\nSteps: 20")]
    [InlineData(8, "")]
    [InlineData(6, null)]
    public void WhatIsWrittenIsReadBack(int orientation, string? comment)
    {
        var exif = new Exif(orientation, comment);
        Assert.Equal(exif, Exif.Read(exif.ToJpeg()));
        Assert.Equal(exif, Exif.Read(exif.ToTiff()));
    }

    [Fact]
    public void NothingToSayIsNothing() => Assert.Empty(new Exif(1, null).ToJpeg());

    /// <summary>As a camera writes: low bytes first, other fields around.</summary>
    [Theory]
    [InlineData("ASCII\0\0\0", false)]
    [InlineData("UNICODE\0", true)]
    public void LowBytesFirstAreReadToo(string kind, bool wide)
    {
        byte[] text = [.. Encoding.ASCII.GetBytes(kind), .. (wide ? Encoding.Unicode : Encoding.ASCII).GetBytes("a cat")];
        byte[] tiff =
        [
            .. "II*\0"u8, 8, 0, 0, 0,
            3, 0,
            0x0f, 1, 2, 0, 4, 0, 0, 0, (byte)'c', (byte)'a', (byte)'m', 0,
            0x12, 1, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0,
            0x69, 0x87, 4, 0, 1, 0, 0, 0, 50, 0, 0, 0,
            0, 0, 0, 0,
            1, 0,
            0x86, 0x92, 7, 0, (byte)text.Length, 0, 0, 0, 68, 0, 0, 0,
            0, 0, 0, 0,
            .. text,
        ];
        Assert.Equal(new Exif(3, "a cat"), Exif.Read(tiff));
    }

    [Fact]
    public void WhatIsNoExifIsNull()
    {
        Assert.Null(Exif.Read([]));
        Assert.Null(Exif.Read("http://ns.adobe.com/xap/1.0/\0<x/>"u8));
    }

    /// <summary>A wrong place or length is nothing there, and is never read.</summary>
    [Fact]
    public void DamageIsAbsence()
    {
        var good = new Exif(6, "a cat").ToTiff();
        var random = new System.Random(40);
        for (var i = 0; i < 3000; i++)
        {
            var exif = Exif.Read(Damage.Of(good, random));
            if (exif != null) Assert.InRange(exif.Value.Orientation, 1, 8);
        }
        Assert.Equal(new Exif(6, null), Exif.Read(good.AsSpan(0, good.Length - 1)));
        Assert.Equal(new Exif(1, null), Exif.Read(good.AsSpan(0, 8)));
    }
}
