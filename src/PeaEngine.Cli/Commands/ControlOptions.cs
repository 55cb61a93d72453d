using System.CommandLine;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Cli.Commands;

/// <summary>The options of <c>pea sample</c> for ControlNets. Those given several times pair by order.</summary>
static class ControlOptions
{
    static readonly Option<string[]> ControlNet = new("--controlnet") { Description = "Folder of a ControlNet. It and the --control options can be given several times and pair by order.", HelpName = "DIR" };
    static readonly Option<string[]> Image = new("--control-image") { Description = "Picture that the ControlNet sees.", HelpName = "FILE" };
    static readonly Option<double[]> Scale = Numbers("--control-scale", "How much the ControlNet counts. Default: 1; with an init image 0.8; with a mask too 1 for SDXL and 0.5 for SD.");
    static readonly Option<double[]> Start = Numbers("--control-start", "The part of the steps after which the ControlNet begins, 0 to 1. Default: 0.");
    static readonly Option<double[]> End = Numbers("--control-end", "The part of the steps after which the ControlNet ends, 0 to 1. Default: 1.");
    static readonly Option<CannyThresholds?[]> Canny = new("--canny")
    {
        Description = "The ControlNet sees the control image's edges, found by Canny's method with these thresholds, such as 100,200.",
        HelpName = "LOW,HIGH",
        CustomParser = OptionParsers.Thresholds,
    };
    static readonly Option<bool> GuessMode = new("--guess-mode") { Description = "The ControlNets make out what they see without a prompt." };

    /// <summary>All of them.</summary>
    public static IEnumerable<Option> All => [ControlNet, Image, Scale, Start, End, Canny, GuessMode];

    /// <summary>The ControlNets' folders.</summary>
    public static string[] Folders(ParseResult parsed) => parsed.GetValue(ControlNet) ?? [];

    /// <summary>Whether guess mode is asked for.</summary>
    public static bool IsGuessMode(ParseResult parsed) => parsed.GetValue(GuessMode);

    /// <summary>What each ControlNet is told; loads the control images.</summary>
    /// <exception cref="OptionException">An option is not given once for each ControlNet.</exception>
    /// <exception cref="PeaException">A control image cannot be read.</exception>
    public static Control[] Controls(ParseResult parsed)
    {
        var nets = Folders(parsed).Length;
        T[] Paired<T>(Option<T[]> option, bool isNeeded = false)
        {
            var values = parsed.GetValue(option) ?? [];
            if (values.Length == nets || (values.Length == 0 && !isNeeded)) return values;
            var name = option.Name.TrimStart('-').Replace('-', ' ');
            throw new OptionException(nets == 0
                ? $"{name}: there is no ControlNet that it could be for; name one with --controlnet"
                : $"{name}: given {values.Length} times for {nets} ControlNets, expected once for each");
        }
        var (images, scales, starts, ends, canny) = (Paired(Image, isNeeded: true), Paired(Scale), Paired(Start), Paired(End), Paired(Canny));
        return
        [
            .. images.Select((image, i) => new Control(PixelImage.LoadUpright(image))
            {
                Scale = scales.Length == 0 ? null : scales[i],
                Start = starts.Length == 0 ? 0 : starts[i],
                End = ends.Length == 0 ? 1 : ends[i],
                Canny = canny.Length == 0 ? null : canny[i],
            }),
        ];
    }

    static Option<double[]> Numbers(string name, string description) => new(name) { Description = description, HelpName = "X", CustomParser = OptionParsers.Numbers };
}
