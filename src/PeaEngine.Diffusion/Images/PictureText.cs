namespace PeaEngine.Diffusion.Images;

/// <summary>A text in a picture's file: a chunk of a PNG; EXIF's user comment or a comment of a JPEG.</summary>
/// <param name="Keyword">1 to 79 Latin-1 characters, such as <see cref="Parameters"/>.</param>
/// <param name="Text">Any text without a zero character.</param>
public readonly record struct PictureText(string Keyword, string Text)
{
    /// <summary>The keyword under which A1111's web UI keeps prompt and settings.</summary>
    public const string Parameters = "parameters";

    /// <summary>The keyword under which this engine keeps, as JSON, what the picture can be drawn again from.</summary>
    public const string Engine = "peaengine";

    /// <summary>Refuses what no file can store: the rules of PNG, which hold for all kinds, so that a text survives from one to the other.</summary>
    internal void Check(string kind)
    {
        if (Keyword.Length is 0 or > 79 || Keyword.Any(c => c is < ' ' or > '~' and < '\u00a1' or > '\u00ff') || Keyword.Trim() != Keyword || Keyword.Contains("  "))
            throw new PeaException($"{kind} text: keyword '{Keyword}', expected 1 to 79 printable Latin-1 characters without outer or double spaces");
        if (Text.Contains('\0')) throw new PeaException($"{kind} text '{Keyword}': a zero character, expected none");
    }
}
