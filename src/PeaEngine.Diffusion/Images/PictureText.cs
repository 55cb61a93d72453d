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
}
