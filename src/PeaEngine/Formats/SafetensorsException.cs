namespace PeaEngine.Formats;

/// <summary>A file that breaks a rule of the safetensors format.</summary>
/// <param name="path">The file.</param>
/// <param name="rule">The rule, named as the reference crate names its error, such as <c>InvalidOffset</c>.</param>
/// <param name="detail">What is wrong and what was expected.</param>
public sealed class SafetensorsException(string path, string rule, string detail) : PeaException($"{path}: {rule}: {detail}")
{
    /// <summary>
    /// The broken rule, named as the reference crate names its error; <c>Duplicate</c> (a key given twice), <c>Metadata</c> (not a map of
    /// strings) and <c>UnsupportedDType</c> (a type of the format that is not read here, such as F8_E4M3) are this reader's.
    /// </summary>
    public string Rule { get; } = rule;
}
