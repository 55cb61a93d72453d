using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Train.Config;

/// <summary>A training configuration as YAML: read, overridden, checked, written and explained by the table of its keys.</summary>
static class TrainConfigFile
{
    const int MostBytes = 1 << 20;

    /// <summary>See <see cref="TrainConfig.Load"/>.</summary>
    public static TrainConfig Load(string path, IEnumerable<string> overrides)
    {
        var config = Apply(new TrainConfig(), "", YamlReader.Read(ReadText(path), path), path);
        foreach (var text in overrides) config = Override(config, text);
        Check(config, path);
        return config;
    }

    /// <summary>See <see cref="TrainConfig.Save"/>.</summary>
    public static void Save(TrainConfig config, string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(Write(config))));

    /// <summary>Every key with its value.</summary>
    public static string Write(TrainConfig config)
    {
        var text = new StringBuilder();
        var group = "";
        foreach (var key in TrainConfigKeys.All)
        {
            var (parent, name) = Split(key.Name);
            if (parent != group && parent.Length > 0) text.Append(parent).Append(":\n");
            group = parent;
            text.Append(parent.Length > 0 ? "  " : "").Append(name).Append(": ").Append(key.Write(config)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Every key with what it may be, its default and what it means.</summary>
    public static string Help()
    {
        var (text, defaults) = (new StringBuilder(), new TrainConfig());
        foreach (var key in TrainConfigKeys.All)
            text.Append($"{key.Name}: {(IsMissing(key, defaults) ? "must be given" : key.Write(defaults))}\n    {key.Meaning}\n    Value: {key.Expected}.\n");
        return text.ToString();
    }

    static TrainConfig Apply(TrainConfig config, string prefix, YamlNode? node, string path)
    {
        if (node is null or YamlScalar { IsNull: true }) return config;
        if (node is not YamlMap map) throw new OptionException($"{path}:{node.Line}: {(prefix.Length == 0 ? "" : $"{prefix.TrimEnd('.')}: ")}{node.Show()}, expected a mapping of keys such as {Quoted.Of(TrainConfigKeys.All.First(key => key.Name.StartsWith(prefix, StringComparison.Ordinal)).Name)}");
        foreach (var (key, value) in map.Entries)
        {
            var name = prefix + key;
            config = Find(name) is { } known ? known.Read(config, value, $"{path}:{value.Line}")
                : IsGroup(name) ? Apply(config, name + ".", value, path)
                : throw Unknown($"{path}:{value.Line}", name);
        }
        return config;
    }

    static TrainConfig Override(TrainConfig config, string text)
    {
        var place = $"--set {text.ReplaceLineEndings(" ")}";
        if (text.IndexOf('=') is not (> 0 and var at)) throw new OptionException($"{place}: expected KEY=VALUE");
        string name = text[..at].Trim(), value = text[(at + 1)..];
        if (Find(name) is { } key) return key.Read(config, key.IsScalar ? new YamlScalar(value, false, 1) : YamlReader.Read(value, place) ?? new YamlScalar("", false, 1), place);
        return IsGroup(name) ? Apply(config, name + ".", YamlReader.Read(value, place), place) : throw Unknown(place, name);
    }

    static void Check(TrainConfig config, string path)
    {
        foreach (var key in TrainConfigKeys.All)
            if (IsMissing(key, config)) throw new OptionException($"{path}: {key.Name}: nothing, expected {key.Expected}");
        if (config.Accumulation > config.Data.BatchSize) throw Wrong("accumulation", config.Accumulation, $"at most batch_size, {config.Data.BatchSize}");
        if (config.Data.Languages.Distinct().Count() < config.Data.Languages.Count) throw Wrong("data.languages", string.Join(", ", config.Data.Languages), "each once");
        if (config.CacheFolder != null && !config.Cache) throw Wrong("data.cache_folder", config.CacheFolder, "null, as data.cache is false");
        if (config.Validation is { Every: > 0, Shards: [] }) throw Wrong("validation.shards", "nothing", "shards, as validation.every is above 0");
        if (config.Validation is { Every: > 0, Timesteps: [] }) throw Wrong("validation.timesteps", "nothing", "timesteps, as validation.every is above 0");
        if (config.Samples is { Every: > 0, Prompts: [] }) throw Wrong("samples.prompts", "nothing", "prompts, as samples.every is above 0");
        if (config.WarmStart.Steps > 0 && config.Train != TrainTarget.Adapter) throw Wrong("warm_start.steps", config.WarmStart.Steps, "0, as what is trained is no adapter");

        OptionException Wrong(string key, object value, string expected) => new(FormattableString.Invariant($"{path}: {key}: {value}, expected {expected}"));
    }

    /// <summary>Whether a key that must be given has no value yet: a text or list that is empty where there is no meaning in that.</summary>
    static bool IsMissing(ConfigKey key, TrainConfig config) =>
        key.Name is "output" or "teacher" or "student" or "data.sources" or "data.languages" or "data.buckets" or "adapter_hidden" && key.Write(config) is "\"\"" or "[]";

    static ConfigKey? Find(string name) => TrainConfigKeys.All.FirstOrDefault(key => key.Name == name);

    static bool IsGroup(string name) => TrainConfigKeys.All.Any(key => Split(key.Name).Group == name);

    static (string Group, string Name) Split(string name) => name.IndexOf('.') is >= 0 and var at ? (name[..at], name[(at + 1)..]) : ("", name);

    static OptionException Unknown(string place, string name) => new($"{place}: unknown key {Quoted.Of(name)}, expected {Nearest(name)} or another of 'pea train --help-config'");

    static string Nearest(string name) => Quoted.Of(TrainConfigKeys.All.MinBy(key => Math.Min(Distance(name, key.Name), Distance(name, Split(key.Name).Name) + 1))!.Name);

    /// <summary>Levenshtein's: insertions, deletions and replacements from one to the other. Of long names only the beginning counts.</summary>
    static int Distance(string a, string b)
    {
        const int Most = 64;
        a = a.Length > Most ? a[..Most] : a;
        int[] above = [.. Enumerable.Range(0, b.Length + 1)], row = new int[b.Length + 1];
        for (var i = 1; i <= a.Length; i++, (above, row) = (row, above))
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                row[j] = Math.Min(Math.Min(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
        }
        return above[b.Length];
    }

    static string ReadText(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MostBytes) throw new PeaException($"{path}: more than {MostBytes} bytes, expected a training configuration");
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new PeaException($"{path}: {exception.Message.ReplaceLineEndings(" ")}, expected a training configuration in YAML", exception);
        }
    }
}
