using System.CommandLine.Parsing;
using System.Globalization;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Prompts;

namespace PeaEngine.Cli.Commands;

/// <summary>Values of options, whatever the machine's language; an error names the option, the value and what was expected.</summary>
static class OptionParsers
{
    /// <summary>A text, but no misspelt option.</summary>
    public static string? Prompt(ArgumentResult result)
    {
        var text = Text(result);
        if (text.StartsWith("--", StringComparison.Ordinal)) result.AddError($"'{text.ReplaceLineEndings(" ")}' is not known here, expected a prompt or an option");
        return text;
    }

    /// <summary>A whole number.</summary>
    public static int? Integer(ArgumentResult result)
    {
        if (Whole(Text(result), out var number)) return number;
        return Wrong<int>(result, "a whole number");
    }

    /// <summary>A seed as torch takes it: of 64 bits, where a negative number stands for its two's complement.</summary>
    public static ulong? Seed(ArgumentResult result)
    {
        var text = Text(result);
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed)) return seed;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var signed)) return unchecked((ulong)signed);
        return Wrong<ulong>(result, $"a whole number from {long.MinValue} to {ulong.MaxValue}");
    }

    /// <summary>A number with a decimal point.</summary>
    public static double? Number(ArgumentResult result)
    {
        if (Real(Text(result), out var number)) return number;
        return Wrong<double>(result, "a number, such as 7.5");
    }

    /// <summary>Numbers with a decimal point, one for each time that the option is given.</summary>
    public static double[]? Numbers(ArgumentResult result) => Each<double>(result, "a number, such as 0.8", Real);

    /// <summary>Two thresholds with a comma, or <c>none</c>, for each time that the option is given.</summary>
    public static CannyThresholds?[]? Thresholds(ArgumentResult result) =>
        Each(result, "two whole numbers with a comma between, such as 100,200, or none", static (string text, out CannyThresholds? thresholds) =>
        {
            thresholds = CannyThresholds.Parse(text);
            return thresholds != null || text == "none";
        });

    /// <summary>How prompts are read: <c>plain</c> or <c>weighted</c>.</summary>
    public static PromptSyntax? Syntax(ArgumentResult result) => Text(result) switch
    {
        "plain" => PromptSyntax.Plain,
        "weighted" => PromptSyntax.Weighted,
        _ => Wrong<PromptSyntax>(result, "plain or weighted"),
    };

    /// <summary>Two whole numbers with a comma, rows before columns: <c>512,768</c>.</summary>
    public static PixelSize? Pair(ArgumentResult result)
    {
        var parts = Text(result).Split(',');
        if (parts.Length == 2 && Whole(parts[0], out var first) && Whole(parts[1], out var second)) return new PixelSize(first, second);
        return Wrong<PixelSize>(result, "two whole numbers with a comma between, such as 512,768");
    }

    /// <summary>An element type of weights: <c>f16</c>, <c>bf16</c> or <c>f32</c>.</summary>
    public static DType? Weights(ArgumentResult result) =>
        Enum.TryParse<DType>(Text(result), ignoreCase: true, out var dtype) && dtype.IsWeight() && !char.IsAsciiDigit(Text(result)[0]) ? dtype : Wrong<DType>(result, "f16, bf16 or f32");

    /// <summary>A type of activations, as diffusers' users write it: <c>fp32</c>, <c>fp16</c> or <c>bf16</c>.</summary>
    public static DType? Activations(ArgumentResult result) => Text(result) switch
    {
        "fp32" => DType.F32,
        "fp16" => DType.F16,
        "bf16" => DType.BF16,
        _ => Wrong<DType>(result, "fp32, fp16 or bf16"),
    };

    /// <summary>LoRA files, each with its scale after the last colon or without one: <c>style.safetensors:0.8</c>.</summary>
    public static LoraSource[] Loras(ArgumentResult result) => [.. result.Tokens.Select(token => Lora(token.Value))];

    static LoraSource Lora(string text)
    {
        var colon = text.LastIndexOf(':');
        return colon > 0 && double.TryParse(text.AsSpan(colon + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var scale) && double.IsFinite(scale)
            ? new(text[..colon], scale)
            : new(text);
    }

    static string Text(ArgumentResult result) => result.Tokens.Single().Value;

    delegate bool Parser<T>(string text, out T value);

    static T[]? Each<T>(ArgumentResult result, string expected, Parser<T> parse)
    {
        var values = new T[result.Tokens.Count];
        for (var i = 0; i < values.Length; i++)
        {
            if (parse(result.Tokens[i].Value, out values[i])) continue;
            AddError(result, result.Tokens[i].Value, expected);
            return null;
        }
        return values;
    }

    static bool Real(string text, out double number) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    static bool Whole(string text, out int number) => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out number);

    static T? Wrong<T>(ArgumentResult result, string expected) where T : struct
    {
        AddError(result, Text(result), expected);
        return null;
    }

    static void AddError(ArgumentResult result, string text, string expected)
    {
        var name = result.Parent is OptionResult parent ? parent.Option.Name.TrimStart('-').Replace('-', ' ') : result.Argument.Name;
        result.AddError($"{name}: '{text.ReplaceLineEndings(" ")}', expected {expected}");
    }
}
