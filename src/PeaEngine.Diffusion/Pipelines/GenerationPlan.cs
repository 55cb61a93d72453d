using PeaEngine.Diffusion.Images;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What kind of drawing it is.</summary>
enum GenerationKind
{
    TextToImage,
    ImageToImage,
    Inpainting,
}

/// <summary>Options with every default filled in and checked against the model.</summary>
sealed record GenerationPlan(GenerationKind Kind, int Steps, double Guidance, double Strength, int Height, int Width)
{
    /// <summary>Fills in the defaults.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="family">Which has the defaults.</param>
    /// <param name="factor">Pixels a latent: the VAE's.</param>
    /// <param name="sampleSize">The UNet's sample_size in latents, height and width, if it has one.</param>
    /// <exception cref="OptionException">A size that is not a multiple of the factor, or a strength that leaves no step.</exception>
    public static GenerationPlan Create(GenerateOptions options, PipelineFamily family, int factor, (int? Height, int? Width) sampleSize)
    {
        var kind = options.InitImage == null ? GenerationKind.TextToImage
            : options.Mask == null ? GenerationKind.ImageToImage
            : GenerationKind.Inpainting;
        if (options.Controls.Count > 0) family = family.Controlled();
        int height, width;
        if ((options.InitImage ?? (options.Controls is [var control, ..] ? control.Image : null)) is { } image)
        {
            var own = VaeImageProcessor.DefaultSize(image, factor);
            (height, width) = (options.Height ?? own.Height, options.Width ?? own.Width);
        }
        else
        {
            height = options.Height ?? sampleSize.Height * factor ?? throw Unsized("height");
            width = options.Width ?? sampleSize.Width * factor ?? throw Unsized("width");
        }
        Multiple("height", height, factor);
        Multiple("width", width, factor);
        if ((long)width * height * options.Count > PixelImage.MaxPixels)
            throw new OptionException($"size: {options.Count} of {width}x{height}, expected at most {PixelImage.MaxPixels} pixels together");
        var steps = options.Steps ?? family.Steps;
        var strength = kind switch
        {
            GenerationKind.ImageToImage => options.Strength ?? family.ImageToImageStrength,
            GenerationKind.Inpainting => options.Strength ?? family.InpaintingStrength,
            _ => 1,
        };
        var guidance = options.Guidance ?? (kind == GenerationKind.Inpainting ? family.InpaintingGuidance : family.Guidance);
        var plan = new GenerationPlan(kind, steps, guidance, strength, height, width) { ControlScale = family.ControlScale(kind) };
        if (plan.FirstStep >= steps)
            throw new OptionException(FormattableString.Invariant($"strength: {strength} of {steps} steps leaves none to draw, expected at least {1.0 / steps:0.####}"));
        return plan;
    }

    /// <summary>What a ControlNet's residuals are multiplied by where it is not told.</summary>
    public double ControlScale { get; init; } = 1;

    /// <summary>The first step to run: diffusers' <c>steps − min(int(steps · strength), steps)</c>.</summary>
    public int FirstStep => Steps - Math.Min((int)(Steps * Strength), Steps);

    /// <summary>Whether the drawing begins from noise alone.</summary>
    public bool IsStrengthMax => Strength == 1;

    static OptionException Unsized(string name) => new($"{name}: not given, and the model's configuration has no sample_size");

    static void Multiple(string name, int pixels, int factor)
    {
        if (pixels < factor || pixels % factor != 0)
            throw new OptionException($"{name}: {pixels}, expected a multiple of {factor} pixels, such as {Math.Max(factor, pixels / factor * factor)}");
    }
}
