using PeaEngine.Diffusion.Images;
using PeaEngine.Train.Plots;

namespace PeaEngine.Tests.Train;

public class BitmapFontTests
{
    [Fact]
    public void LettersStandUprightAndFromLeftToRight() => Assert.Equal("""
        #........#.
        #.......##.
        #......#.#.
        #.....#..#.
        #.....#####
        #........#.
        #####....#.
        """.ReplaceLineEndings("\n"), Drawn("L4", 1));

    [Fact]
    public void EveryLetterIsAnother()
    {
        var letters = Enumerable.Range(' ', '~' - ' ' + 1).Select(letter => Drawn(((char)letter).ToString(), 1)).ToList();
        Assert.Equal(letters.Count, letters.Distinct().Count());
        Assert.Equal(Drawn("?", 1), Drawn("é", 1));
    }

    [Fact]
    public void ScalingRepeatsPixels()
    {
        var (once, twice) = (Drawn("g", 1).Split('\n'), Drawn("g", 2).Split('\n'));
        for (var y = 0; y < twice.Length; y++) Assert.Equal(string.Concat(once[y / 2].Select(pixel => new string(pixel, 2))), twice[y]);
    }

    [Fact]
    public void WhatFallsOutsideIsCutOff()
    {
        var image = new PixelImage(3, 3);
        BitmapFont.Draw(image, -4, -3, "##", 0x010203, 2);
        BitmapFont.Draw(image, 40, 40, "##", 0x010203);
        Assert.Contains((byte)2, image.Pixels.ToArray());
    }

    static string Drawn(string text, int scale)
    {
        var image = new PixelImage((text.Length * BitmapFont.Advance - 1) * scale, BitmapFont.Height * scale);
        BitmapFont.Draw(image, 0, 0, text, 0xFFFFFF, scale);
        return string.Join('\n', Enumerable.Range(0, image.Height).Select(y => string.Concat(Enumerable.Range(0, image.Width).Select(x => image.Row(y)[3 * x] == 0 ? '.' : '#'))));
    }
}
