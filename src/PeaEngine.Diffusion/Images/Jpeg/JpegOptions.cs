namespace PeaEngine.Diffusion.Images;

/// <summary>How a JPEG is written; the defaults are Pillow's.</summary>
public sealed record JpegOptions
{
    /// <summary>Quality 95 and colour of full resolution: nothing that the eye sees is lost.</summary>
    public static JpegOptions Fine { get; } = new() { Quality = 95, Subsampling = false };

    /// <summary>1 to 100: libjpeg's scale of the quantization tables.</summary>
    public int Quality { get; init; } = 75;

    /// <summary>Whether colour has half the resolution in both directions (4:2:0) or all of it (4:4:4).</summary>
    public bool Subsampling { get; init; } = true;
}
