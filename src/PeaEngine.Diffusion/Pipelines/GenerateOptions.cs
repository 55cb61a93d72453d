using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Prompts;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>A height and a width in pixels, in the order in which SDXL is told them.</summary>
/// <param name="Height">Pixels from top to bottom.</param>
/// <param name="Width">Pixels from left to right.</param>
public readonly record struct PixelSize(int Height, int Width)
{
    /// <summary>As in <c>512x768</c>, width first.</summary>
    public override string ToString() => $"{Width}x{Height}";
}

/// <summary>
/// What to draw. Without an init image this is text to image, with one image to image, with a mask too inpainting. What is left
/// null takes the default of the diffusers pipeline of that kind.
/// </summary>
public sealed record GenerateOptions
{
    /// <summary>What the picture should show.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>
    /// What it should not show. Null is not the same as <c>""</c>: a model with <c>force_zeros_for_empty_prompt</c> is given zeros for
    /// null, and the encoded empty text for <c>""</c>.
    /// </summary>
    public string? NegativePrompt { get; init; }

    /// <summary>How both are read.</summary>
    public PromptSyntax PromptSyntax { get; init; }

    /// <summary>num_inference_steps; 50 by default.</summary>
    public int? Steps { get; init; }

    /// <summary>guidance_scale; 1 or less means no guidance.</summary>
    public double? Guidance { get; init; }

    /// <summary>guidance_rescale, 0 to 1 (arXiv 2305.08891).</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>A name of the scheduler catalogue; null for the model's own scheduler.</summary>
    public string? Scheduler { get; init; }

    /// <summary>η of DDIM and TCD, 0 to 1; by default 0, or what the scheduler's name says.</summary>
    public double? Eta { get; init; }

    /// <summary>Seeds torch's CPU generator; the same seed gives the noise that diffusers draws.</summary>
    public ulong Seed { get; init; }

    /// <summary>The picture's width, a multiple of the VAE's factor.</summary>
    public int? Width { get; init; }

    /// <summary>The picture's height, a multiple of the VAE's factor.</summary>
    public int? Height { get; init; }

    /// <summary>SDXL's micro-conditioning: the size the picture claims to have had; its own by default.</summary>
    public PixelSize? OriginalSize { get; init; }

    /// <summary>SDXL's micro-conditioning: rows above and columns left of the claimed crop.</summary>
    public PixelSize CropTopLeft { get; init; }

    /// <summary>SDXL's micro-conditioning: the size the picture claims to be of; its own by default.</summary>
    public PixelSize? TargetSize { get; init; }

    /// <summary>How many of the text encoder's last layers to leave out, beyond those the model leaves out anyway.</summary>
    public int? ClipSkip { get; init; }

    /// <summary>num_images_per_prompt.</summary>
    public int Count { get; init; } = 1;

    /// <summary>The picture to begin from.</summary>
    public PixelImage? InitImage { get; init; }

    /// <summary>How much of the init image is drawn anew, 0 to 1.</summary>
    public double? Strength { get; init; }

    /// <summary>Where it is white, the init image is drawn anew; needs <see cref="InitImage"/>.</summary>
    public PixelImage? Mask { get; init; }

    /// <summary>What the pipeline's ControlNets are told, one for each in their order.</summary>
    public IReadOnlyList<Control> Controls { get; init; } = [];

    /// <summary>guess_mode: the ControlNets make out what the control images show without a prompt; only the conditional half of a guided batch is controlled.</summary>
    public bool GuessMode { get; init; }

    /// <summary>The part of the noise that the model removes before the refiner goes on, between 0 and 1 (denoising_end and denoising_start); 0.8 by default.</summary>
    public double? RefinerStart { get; init; }

    /// <summary>What a refiner is told of the picture: aesthetic_score.</summary>
    public double AestheticScore { get; init; } = 6;

    /// <summary>What a refiner is told of the picture it should not draw: negative_aesthetic_score.</summary>
    public double NegativeAestheticScore { get; init; } = 2.5;

    /// <summary>Checks what does not depend on the model.</summary>
    /// <param name="refined">Whether there is a refiner.</param>
    /// <exception cref="OptionException">A value outside its range, or a combination that makes no sense.</exception>
    internal void Validate(bool refined)
    {
        Require(Enum.IsDefined(PromptSyntax), "prompt syntax", PromptSyntax, "Plain or Weighted");
        if (PromptSyntax == PromptSyntax.Weighted)
            foreach (var text in new[] { Prompt, NegativePrompt ?? "" }) PromptPart.Parse(text);
        Require(Steps is null or (>= 1 and <= 1000), "steps", Steps, "1 to 1000");
        Require(Guidance is null || double.IsFinite(Guidance.Value), "guidance", Guidance, "a number");
        Require(GuidanceRescale is >= 0 and <= 1, "guidance rescale", GuidanceRescale, "0 to 1");
        Require(Eta is null or (>= 0 and <= 1), "eta", Eta, "0 to 1");
        Require(Width is null or (>= 1 and <= 16384), "width", Width, "1 to 16384 pixels");
        Require(Height is null or (>= 1 and <= 16384), "height", Height, "1 to 16384 pixels");
        Require(ClipSkip is null or >= 0, "clip skip", ClipSkip, "0 or more");
        Require(Count is >= 1 and <= 1024, "count", Count, "1 to 1024");
        Require(Strength is null or (>= 0 and <= 1), "strength", Strength, "0 to 1");
        Require(OriginalSize is null or { Height: >= 0, Width: >= 0 }, "original size", OriginalSize, "0 or more both ways");
        Require(TargetSize is null or { Height: >= 0, Width: >= 0 }, "target size", TargetSize, "0 or more both ways");
        Require(CropTopLeft is { Height: >= 0, Width: >= 0 }, "crop", CropTopLeft, "0 or more both ways");
        Require(RefinerStart is null or (> 0 and < 1), "refiner start", RefinerStart, "a number between 0 and 1");
        Require(double.IsFinite(AestheticScore), "aesthetic score", AestheticScore, "a number");
        Require(double.IsFinite(NegativeAestheticScore), "negative aesthetic score", NegativeAestheticScore, "a number");
        if (RefinerStart != null && !refined) throw new OptionException(FormattableString.Invariant($"refiner start {RefinerStart}: there is no refiner"));
        if (refined && Mask != null) throw new OptionException("mask: a refiner goes on with the whole picture, so it does not go with inpainting");
        foreach (var control in Controls) control.Validate();
        if (GuessMode && Controls.Count == 0) throw new OptionException("guess mode: there is no ControlNet");
        if (Mask != null && InitImage == null) throw new OptionException("mask: there is no init image that it could belong to");
        if (Strength != null && InitImage == null) throw new OptionException($"strength {Strength}: there is no init image to begin from");
    }

    /// <summary>Refuses a value.</summary>
    internal static void Require<T>(bool holds, string name, T value, string expected)
    {
        if (!holds) throw new OptionException(FormattableString.Invariant($"{name}: {value}, expected {expected}"));
    }
}
