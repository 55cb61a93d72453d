namespace PeaEngine.Formats;

/// <summary>Text from files, fit for a message of one line.</summary>
public static class Quoted
{
    const int MaxLength = 120;

    /// <summary>In single quotes, control characters replaced, the middle of long text left out.</summary>
    public static string Of(string text)
    {
        if (text.Length > MaxLength) text = $"{text[..(MaxLength / 2)]}…{text[^(MaxLength / 4)..]}";
        return $"'{string.Concat(text.Select(c => char.IsControl(c) ? '?' : c))}'";
    }
}
