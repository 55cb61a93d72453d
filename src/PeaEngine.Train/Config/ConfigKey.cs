namespace PeaEngine.Train.Config;

/// <summary>A key of the configuration: one row of the table that parser, writer and help are made from.</summary>
/// <param name="name">The key, with a point between a group and what is in it.</param>
/// <param name="meaning">A sentence or two.</param>
abstract class ConfigKey(string name, string meaning)
{
    /// <summary>The key, with a point between a group and what is in it.</summary>
    public string Name { get; } = name;

    /// <summary>A sentence or two.</summary>
    public string Meaning { get; } = meaning;

    /// <summary>What a value must be.</summary>
    public abstract string Expected { get; }

    /// <summary>Whether a command line's text is the value as it stands, not YAML.</summary>
    public abstract bool IsScalar { get; }

    /// <summary>The configuration with this key's value from YAML.</summary>
    /// <exception cref="OptionException">The value is not what is expected.</exception>
    public abstract TrainConfig Read(TrainConfig config, YamlNode node, string place);

    /// <summary>This key's value in a configuration, as YAML.</summary>
    public abstract string Write(TrainConfig config);
}

/// <summary>A key whose values are of a type.</summary>
/// <param name="name">The key.</param>
/// <param name="type">What a value must be.</param>
/// <param name="get">The value in a configuration.</param>
/// <param name="set">The configuration with another value.</param>
/// <param name="meaning">A sentence or two.</param>
sealed class ConfigKey<T>(string name, ConfigType<T> type, Func<TrainConfig, T> get, Func<TrainConfig, T, TrainConfig> set, string meaning) : ConfigKey(name, meaning)
{
    public override string Expected => type.Expected;

    public override bool IsScalar => type.IsScalar;

    public override TrainConfig Read(TrainConfig config, YamlNode node, string place) =>
        type.TryRead(node, out var value) ? set(config, value) : throw new OptionException($"{place}: {Name}: {node.Show()}, expected {type.Expected}");

    public override string Write(TrainConfig config) => type.Write(get(config));
}
