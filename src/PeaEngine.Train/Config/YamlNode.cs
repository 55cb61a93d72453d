namespace PeaEngine.Train.Config;

/// <summary>A value of a YAML document.</summary>
/// <param name="Line">Where it stands, counted from 1.</param>
abstract record YamlNode(long Line)
{
    /// <summary>As a message shows it.</summary>
    public abstract string Show();
}

/// <summary>A text, number, flag or null.</summary>
/// <param name="Text">As written, without quotes.</param>
/// <param name="IsQuoted">Whether there were quotes: it is a text then, whatever it looks like.</param>
/// <param name="Line">Where it stands.</param>
sealed record YamlScalar(string Text, bool IsQuoted, long Line) : YamlNode(Line)
{
    /// <summary>Nothing, <c>~</c> or <c>null</c>.</summary>
    public bool IsNull => !IsQuoted && Text is "" or "~" or "null";

    public override string Show() => Text.Length == 0 ? "nothing" : Formats.Quoted.Of(Text);
}

/// <summary>A list.</summary>
sealed record YamlList(IReadOnlyList<YamlNode> Items, long Line) : YamlNode(Line)
{
    public override string Show() => $"a list of {Items.Count}";
}

/// <summary>A mapping, in the order of the document.</summary>
sealed record YamlMap(IReadOnlyList<(string Key, YamlNode Value)> Entries, long Line) : YamlNode(Line)
{
    public override string Show() => "a mapping";
}
