using System.Text;
using System.Text.RegularExpressions;
using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>peft's LoraConfig of each component, which diffusers keeps in a safetensors file's own notes.</summary>
sealed class LoraMetadata
{
    /// <summary>What the file calls them.</summary>
    public const string Key = "lora_adapter_metadata";

    readonly JsonConfig config;
    readonly Dictionary<string, List<(Regex Pattern, double Alpha)>> patterns = [];

    LoraMetadata(JsonConfig config) => this.config = config;

    /// <summary>A file's notes on its LoRA, or null.</summary>
    /// <exception cref="PeaException">They are not a JSON object.</exception>
    public static LoraMetadata? Read(SafetensorsFile file) =>
        file.Metadata.TryGetValue(Key, out var json) ? new(JsonConfig.Parse(Encoding.UTF8.GetBytes(json), $"{file.Path}: {Key}")) : null;

    /// <summary>alpha/rank, or alpha/√rank where <c>use_rslora</c>; null where there are no notes on the component.</summary>
    /// <exception cref="PeaException">They are not of the expected form, or ask for DoRA.</exception>
    public double? Factor(string component, string module, long rank)
    {
        // The notes of a single model's LoRA have no component's name before them.
        string Name(string name) => config.Has($"{component}.{name}") ? $"{component}.{name}" : name;
        if (config.Bool(Name("use_dora"), false)) throw config.Wrong(Name("use_dora"), "false");
        if ((AlphaOf(Name("alpha_pattern"), module) ?? config.OptionalFloat(Name("lora_alpha"))) is not { } alpha) return null;
        return alpha / (config.Bool(Name("use_rslora"), false) ? Math.Sqrt(rank) : rank);
    }

    /// <summary>peft's get_pattern_key: the first pattern that matches the end of the module's name.</summary>
    double? AlphaOf(string key, string module)
    {
        if (!patterns.TryGetValue(key, out var list)) patterns.Add(key, list = config.Object(key) is { } given ? Parse(given) : []);
        foreach (var (pattern, alpha) in list)
            if (pattern.IsMatch(module)) return alpha;
        return null;
    }

    static List<(Regex, double)> Parse(JsonConfig given)
    {
        var parsed = new List<(Regex, double)>();
        foreach (var text in given.Keys)
            try
            {
                // Without backtracking, so that a pattern takes no longer than the name it is matched with.
                parsed.Add((new($@"^(.*\.)?({text})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), given.Float(text)));
            }
            catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
            {
                throw new PeaException($"{given.Path}: pattern {Quoted.Of(text)}, expected a regular expression without lookarounds", exception);
            }
        return parsed;
    }
}
