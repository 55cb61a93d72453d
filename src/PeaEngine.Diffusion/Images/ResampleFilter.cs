namespace PeaEngine.Diffusion.Images;

/// <summary>The filters of Pillow's <c>resize</c>.</summary>
public enum ResampleFilter
{
    /// <summary>The pixel under the middle of the new one.</summary>
    Nearest,

    /// <summary>The mean of the pixels covered.</summary>
    Box,

    /// <summary>A triangle, support 1.</summary>
    Bilinear,

    /// <summary>A cubic with a = -0.5, support 2.</summary>
    Bicubic,

    /// <summary>A windowed sinc, support 3.</summary>
    Lanczos,
}
