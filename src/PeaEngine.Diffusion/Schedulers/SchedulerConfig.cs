using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Schedulers;

/// <summary>
/// A scheduler's settings: a <c>scheduler_config.json</c>, or one of the catalogue whose noise is a model's. Remembers what was
/// asked for, so that what the class does not know can be told.
/// </summary>
sealed class SchedulerConfig(JsonConfig own, JsonConfig? model = null, IReadOnlySet<string>? fromModel = null)
{
    readonly HashSet<string> read = [];
    readonly SchedulerDefaults? modelDefaults = model == null ? null : SchedulerDefaults.Of(model.String("_class_name", ""));

    /// <summary>diffusers' class name.</summary>
    public string ClassName { get; } = own.String("_class_name");

    /// <summary>The file, for messages.</summary>
    public string Source => own.Path;

    /// <summary>The defaults of the class; where settings are the model's, of the model's class.</summary>
    public SchedulerDefaults Defaults { get; } = SchedulerDefaults.Of(own.String("_class_name"))
        ?? throw own.Wrong("_class_name", "one of " + string.Join(", ", SchedulerDefaults.ClassNames));

    /// <summary>The keys that the class does not take, sorted; names that begin with an underscore are not settings.</summary>
    public IReadOnlyList<string> IgnoredKeys =>
        [.. own.Keys.Where(key => !key.StartsWith('_') && !read.Contains(key)).Order(StringComparer.Ordinal)];

    /// <summary>The defaults that hold for a key.</summary>
    public SchedulerDefaults DefaultsOf(string key) => IsModels(key) ? modelDefaults ?? Defaults : Defaults;

    /// <summary>One of the values that the class follows.</summary>
    public string Choice(string key, string missing, params ReadOnlySpan<string> choices)
    {
        var text = Text(key, missing);
        foreach (var choice in choices)
            if (text == choice) return text;
        throw Wrong(key, choices.Length == 1 ? choices[0] : "one of " + string.Join(", ", choices!));
    }

    /// <summary>Whether there is a value other than null.</summary>
    public bool Has(string key) => !Read(key).IsNull(key);

    public string Text(string key, string missing) => Read(key).String(key, missing);

    public bool Flag(string key, bool missing) => Read(key).Bool(key, missing);

    public int Integer(string key, int missing, int least, int most) =>
        Read(key).Int(key, missing) is var value && value >= least && value <= most ? value : throw Wrong(key, $"{least} to {most}");

    public double Number(string key, double missing) => Read(key).Float(key, missing);

    public double? OptionalNumber(string key) => Read(key).OptionalFloat(key);

    public double[]? OptionalNumbers(string key) => Has(key) ? Read(key).Floats(key) : null;

    /// <summary>A key of the class of which only one value is implemented here.</summary>
    public void Only(string key, bool value)
    {
        if (Flag(key, value) != value) throw Wrong(key, value ? "true, the only value implemented" : "false, the only value implemented");
    }

    public PeaException Wrong(string key, string expected) => Read(key).Wrong(key, expected);

    bool IsModels(string key) => model != null && fromModel?.Contains(key) == true;

    JsonConfig Read(string key)
    {
        read.Add(key);
        return IsModels(key) ? model! : own;
    }
}
