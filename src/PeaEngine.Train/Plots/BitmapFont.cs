using PeaEngine.Diffusion.Images;

namespace PeaEngine.Train.Plots;

/// <summary>Letters of 5 by 7 pixels for pictures with numbers in them: printable ASCII. What is none of it becomes a question mark.</summary>
static class BitmapFont
{
    /// <summary>From one letter to the next, before scaling.</summary>
    public const int Advance = GlyphWidth + 1;

    /// <summary>Of a letter, before scaling.</summary>
    public const int Height = 7;

    const int GlyphWidth = 5;
    const char First = ' ', Last = '~', Unknown = '?';

    /// <summary>From the space on, each letter's columns from left to right in hexadecimal; a column's lowest bit is its top pixel.</summary>
    const string Columns =
        "000000000000005F00000007000700147F147F14242A7F2A12231308646236495522500005030000" +
        "001C2241000041221C0014083E081408083E08080050300000080808080800606000002010080402" +
        "3E5149453E00427F400042615149462141454B311814127F1027454545393C4A4949300171090503" +
        "3649494936064949291E003636000000563600000814224100141414141400412214080201510906" +
        "324979413E7E1111117E7F494949363E414141227F4141221C7F494949417F090909013E4149497A" +
        "7F0808087F00417F41002040413F017F081422417F404040407F020C027F7F0408107F3E4141413E" +
        "7F090909063E4151215E7F09192946464949493101017F01013F4040403F1F2040201F3F4038403F" +
        "631408146307087008076151494543007F41410002040810200041417F0004020102044040404040" +
        "000102040020545454787F484444383844444420384444487F3854545418087E0901020C5252523E" +
        "7F0804047800447D40002040443D007F1028440000417F40007C041804787C080404783844444438" +
        "7C14141408081414187C7C080404084854545420043F4440203C4040207C1C2040201C3C4030403C" +
        "44281028440C5050503C4464544C44000836410000007F000000413608000804081008";

    static readonly byte[] Glyphs = Convert.FromHexString(Columns);

    /// <summary>Draws a text; what falls outside the picture is cut off.</summary>
    /// <param name="image">Of three channels.</param>
    /// <param name="x">Its left.</param>
    /// <param name="y">Its top.</param>
    /// <param name="text">One line.</param>
    /// <param name="colour">0xRRGGBB</param>
    /// <param name="scale">Pixels for each pixel of a letter.</param>
    public static void Draw(PixelImage image, int x, int y, string text, int colour, int scale = 1)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var glyph = Glyphs.AsSpan(((text[i] is >= First and <= Last ? text[i] : Unknown) - First) * GlyphWidth, GlyphWidth);
            for (var column = 0; column < GlyphWidth; column++)
                for (var row = 0; row < Height; row++)
                    if ((glyph[column] >> row & 1) != 0) image.Fill(x + (i * Advance + column) * scale, y + row * scale, scale, scale, colour);
        }
    }
}
