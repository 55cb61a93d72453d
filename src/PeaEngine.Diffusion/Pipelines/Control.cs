using PeaEngine.Diffusion.Images;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What one ControlNet is told. What is left null takes the default of diffusers' ControlNet pipeline of that kind.</summary>
/// <param name="Image">The control image, in the form that the ControlNet was trained on; it is resized to the picture.</param>
public sealed record Control(PixelImage Image)
{
    /// <summary>controlnet_conditioning_scale: 1 by default; with an init image 0.8; with a mask too 1 for SDXL and 0.5 for SD.</summary>
    public double? Scale { get; init; }

    /// <summary>control_guidance_start: the part of the steps after which it begins, 0 to 1.</summary>
    public double Start { get; init; }

    /// <summary>control_guidance_end: the part of the steps after which it ends, 0 to 1.</summary>
    public double End { get; init; } = 1;

    /// <summary>Where given, the ControlNet sees not the image but its edges.</summary>
    public CannyThresholds? Canny { get; init; }

    /// <summary>Checks what does not depend on the model.</summary>
    /// <exception cref="OptionException">A value outside its range.</exception>
    internal void Validate()
    {
        GenerateOptions.Require(Scale is null || double.IsFinite(Scale.Value), "control scale", Scale, "a number");
        GenerateOptions.Require(Start is >= 0 and < 1, "control start", Start, "0 or more and less than 1");
        GenerateOptions.Require(End is > 0 and <= 1, "control end", End, "more than 0 and at most 1");
        GenerateOptions.Require(Start < End, "control start", Start, FormattableString.Invariant($"less than the control end, {End}"));
        GenerateOptions.Require(Canny is null or { Low: >= 0, High: >= 0 }, "canny", Canny, "thresholds of 0 or more");
    }
}
