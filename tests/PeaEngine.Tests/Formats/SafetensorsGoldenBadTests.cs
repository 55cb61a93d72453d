using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

/// <summary>Files that break one rule each; the name before <c>-</c> is the rule.</summary>
public class SafetensorsGoldenBadTests
{
    public static TheoryData<string> Files => GoldenFolder.Cases("safetensors-bad", name => name.EndsWith(".safetensors", StringComparison.Ordinal), files: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void RefusesUnderTheRulesName(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var path = GoldenFolder.At("safetensors-bad", name);

        var exception = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));

        Assert.Equal(Path.GetFileNameWithoutExtension(name).Split('-')[0], exception.Rule);
        Assert.StartsWith($"{path}: {exception.Rule}: ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }
}
