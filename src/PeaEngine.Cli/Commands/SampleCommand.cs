using System.CommandLine;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Prompts;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea sample</c>: draws one prompt.</summary>
static class SampleCommand
{
    static readonly Argument<string> Prompt = new("prompt") { Description = "What the picture should show.", DefaultValueFactory = _ => "", CustomParser = OptionParsers.Prompt };
    static readonly Option<string?> Model = new("--model") { Description = "A pipeline: a folder in diffusers' layout, or one file in the original naming (.safetensors, .ckpt). Without it: samples/emoji/teacher.", HelpName = "PATH" };
    static readonly Option<string?> Config = new("--config") { Description = "Pipeline folder with the configurations and tokenizers of a single file; only needed where that is of no known architecture.", HelpName = "DIR" };
    static readonly Option<string?> Vae = new("--vae") { Description = "Another VAE: a folder with config.json and weights, or a file of weights.", HelpName = "PATH" };
    static readonly Option<string?> NegativePrompt = new("--negative-prompt") { Description = "What it should not show.", HelpName = "TEXT" };
    static readonly Option<PromptSyntax?> Syntax = new("--prompt-syntax")
    {
        Description = "plain, or weighted: (a:1.3), (a), [a], BREAK, and prompts of any length. Default: plain.",
        HelpName = "NAME",
        CustomParser = OptionParsers.Syntax,
    };
    static readonly Option<int?> Steps = Integer("--steps", "Denoising steps. Default: 50, or 4 for a latent consistency model.", "N");
    static readonly Option<double?> Guidance = Number("--guidance", "Guidance scale; 1 or less means none. Default: 5 for SDXL, 7.5 for SD and for SDXL with a mask, 8.5 for a latent consistency model.");
    static readonly Option<double?> GuidanceRescale = Number("--guidance-rescale", "Rescales the guided noise, 0 to 1. Default: 0.");
    static readonly Option<string?> Scheduler = new("--scheduler") { Description = "A scheduler by name, such as euler or dpmpp-2m-karras. Default: the model's own.", HelpName = "NAME" };
    static readonly Option<double?> Eta = Number("--eta", "DDIM's and TCD's eta, 0 to 1. Default: 0, or what the scheduler's name says.");
    static readonly Option<ulong?> Seed = new("--seed")
    {
        Description = "The same seed draws the same picture, and torch's noise; a negative one is taken as torch takes it. Default: a random one.",
        HelpName = "N",
        CustomParser = OptionParsers.Seed,
    };
    static readonly Option<int?> Width = Integer("--width", "Pixels; a multiple of the VAE's factor. Default: the init image's, else the model's.", "W");
    static readonly Option<int?> Height = Integer("--height", "Pixels; a multiple of the VAE's factor. Default: the init image's, else the model's.", "H");
    static readonly Option<PixelSize?> OriginalSize = Pair("--original-size", "SDXL's micro-conditioning. Default: the picture's size.", "H,W");
    static readonly Option<PixelSize?> Crop = Pair("--crop", "SDXL's micro-conditioning. Default: 0,0.", "TOP,LEFT");
    static readonly Option<PixelSize?> TargetSize = Pair("--target-size", "SDXL's micro-conditioning. Default: the picture's size.", "H,W");
    static readonly Option<int?> ClipSkip = Integer("--clip-skip", "Last text encoder layers to leave out, beyond those the model leaves out. Default: 0.", "N");
    static readonly Option<int?> Count = Integer("--count", "Pictures of the prompt. Default: 1.", "N");
    static readonly Option<string?> InitImage = new("--init-image") { Description = "PNG, JPEG, BMP or WebP to begin from: image to image.", HelpName = "FILE" };
    static readonly Option<double?> Strength = Number("--strength", "How much of the init image is drawn anew, 0 to 1. Default: 0.3 for SDXL, 0.8 for SD; with a mask 0.9999 and 1.");
    static readonly Option<string?> Mask = new("--mask") { Description = "PNG, JPEG, BMP or WebP that is white where the init image is drawn anew: inpainting.", HelpName = "FILE" };
    static readonly Option<string?> Student = new("--student") { Description = "A text encoder of another language: a folder or file as its authors publish it. With --adapter.", HelpName = "DIR" };
    static readonly Option<string?> Adapter = new("--adapter") { Description = "The PEA adapter for the student: .safetensors or .bin.", HelpName = "FILE" };
    static readonly Option<int?> StudentLength = Integer("--student-length", "Tokens of the student's context. Default: the adapter's, else 52 for Chinese-CLIP, else the student's own.", "N");
    static readonly Option<LoraSource[]?> Lora = new("--lora")
    {
        Description = "A LoRA to add to the weights, with its scale; may be given several times. Default scale: 1.",
        HelpName = "FILE[:SCALE]",
        CustomParser = OptionParsers.Loras,
    };
    static readonly Option<string?> Refiner = new("--refiner") { Description = "An SDXL refiner, which does the last steps: a pipeline folder or a single file.", HelpName = "PATH" };
    static readonly Option<double?> RefinerStart = Number("--refiner-start", "Where the refiner goes on, between 0 and 1. Default: 0.8.");
    static readonly Option<string> Output = new("--output", "-o") { Description = "Where the picture goes, .png or .jpg (quality 95); with several, name.0.png, name.1.png, …", HelpName = "PATH", DefaultValueFactory = _ => "out.png" };
    static readonly Option<string?> SaveLatents = new("--save-latents") { Description = "Also writes the final latents, tensor 'latents' [count, 4, h, w] F32.", HelpName = "FILE" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object on standard output." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("sample", "Draws a picture of a prompt and writes it as PNG or JPEG.")
        {
            Prompt, Model, Config, Vae, NegativePrompt, Syntax, Steps, Guidance, GuidanceRescale, Scheduler, Eta, Seed, Width, Height, OriginalSize, Crop, TargetSize,
            ClipSkip, Count, InitImage, Strength, Mask, Student, Adapter, StudentLength, Lora, Refiner, RefinerStart, DeviceOptions.Name, DeviceOptions.Type, DeviceOptions.Threads, Output, SaveLatents, Json,
        };
        foreach (var option in ControlOptions.All) command.Options.Add(option);
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        DeviceOptions.Check(parsed);
        var count = parsed.GetValue(Count) ?? 1;
        var output = new OutputFiles(parsed.GetRequiredValue(Output), count, parsed.GetValue(SaveLatents));
        var initImage = parsed.GetValue(InitImage);
        var mask = parsed.GetValue(Mask);
        var options = new GenerateOptions
        {
            Prompt = parsed.GetRequiredValue(Prompt),
            NegativePrompt = parsed.GetValue(NegativePrompt),
            PromptSyntax = parsed.GetValue(Syntax) ?? PromptSyntax.Plain,
            Steps = parsed.GetValue(Steps),
            Guidance = parsed.GetValue(Guidance),
            GuidanceRescale = parsed.GetValue(GuidanceRescale) ?? 0,
            Scheduler = parsed.GetValue(Scheduler),
            Eta = parsed.GetValue(Eta),
            Seed = parsed.GetValue(Seed) ?? (ulong)Random.Shared.NextInt64(1L << 32),
            Width = parsed.GetValue(Width),
            Height = parsed.GetValue(Height),
            OriginalSize = parsed.GetValue(OriginalSize),
            CropTopLeft = parsed.GetValue(Crop) ?? default,
            TargetSize = parsed.GetValue(TargetSize),
            ClipSkip = parsed.GetValue(ClipSkip),
            Count = count,
            InitImage = initImage == null ? null : PixelImage.LoadUpright(initImage),
            Strength = parsed.GetValue(Strength),
            Mask = mask == null ? null : PixelImage.LoadUpright(mask),
            Controls = ControlOptions.Controls(parsed),
            GuessMode = ControlOptions.IsGuessMode(parsed),
            RefinerStart = parsed.GetValue(RefinerStart),
        };
        var source = new PipelineSource(parsed.GetValue(Model) ?? DefaultFiles.Model())
        {
            Config = parsed.GetValue(Config),
            Vae = parsed.GetValue(Vae),
            Student = parsed.GetValue(Student),
            Adapter = parsed.GetValue(Adapter),
            StudentLength = parsed.GetValue(StudentLength),
            ControlNets = ControlOptions.Folders(parsed),
            Loras = parsed.GetValue(Lora) ?? [],
            Refiner = parsed.GetValue(Refiner),
        };
        var error = parsed.InvocationConfiguration.Error;

        using var interrupt = new Interrupt();
        using var backend = DeviceOptions.Open(parsed);
        DiffusionPipeline.Check(source, options);
        using var pipeline = DiffusionPipeline.Load(source, backend);
        foreach (var text in new[] { options.Prompt, options.NegativePrompt ?? "" })
            if (options.PromptSyntax == PromptSyntax.Plain && pipeline.CutOff(text) is { } end) error.WriteLine($"pea: warning: the prompt is too long for the model, which will not see its end: {end}");
        var generation = SampleProgress.Watch(error, progress => pipeline.Generate(options, progress, interrupt.Token));
        output.Write(generation, parsed.InvocationConfiguration.Output, parsed.GetValue(Json));
        return ExitCode.Done;
    }

    static Option<int?> Integer(string name, string description, string helpName) =>
        new(name) { Description = description, HelpName = helpName, CustomParser = OptionParsers.Integer };

    static Option<double?> Number(string name, string description) =>
        new(name) { Description = description, HelpName = "X", CustomParser = OptionParsers.Number };

    static Option<PixelSize?> Pair(string name, string description, string helpName) =>
        new(name) { Description = description, HelpName = helpName, CustomParser = OptionParsers.Pair };
}
