using System.CommandLine.Parsing;
using System.Globalization;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Cli.Commands;

/// <summary>Values that System.CommandLine does not know.</summary>
static class OptionParsers
{
    /// <summary>Two whole numbers with a comma, rows before columns: <c>512,768</c>.</summary>
    public static PixelSize? Pair(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        var parts = text.Split(',');
        if (parts.Length == 2 && Whole(parts[0], out var first) && Whole(parts[1], out var second)) return new PixelSize(first, second);
        result.AddError($"'{text}': expected two whole numbers with a comma between, such as 512,768");
        return null;
    }

    /// <summary>A number with a decimal point, whatever the machine's language.</summary>
    public static double? Number(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)) return number;
        result.AddError($"'{text}': expected a number, such as 7.5");
        return null;
    }

    static bool Whole(string text, out int number) => int.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out number);
}
