using System.Text;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Tokenizers;

/// <summary>Cases of Unicode's NormalizationTest.txt, one for each rule of UAX #15.</summary>
public class UnicodeNormalizationTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain Ärger", "plain Ärger")]
    [InlineData("A\u0308", "Ä")]
    [InlineData("\u1E0A\u0323", "\u1E0C\u0307")] // D with dot above, dot below: reordered, then composed
    [InlineData("\u0044\u0307\u0323", "\u1E0C\u0307")]
    [InlineData("a\u0315\u0300\u05AE\u0300b", "à\u05AE\u0300\u0315b")] // a blocked mark stays
    [InlineData("\u212B", "Å")] // a singleton is replaced
    [InlineData("\u0958", "\u0915\u093C")] // excluded from composition
    [InlineData("\u0344", "\u0308\u0301")] // a mark that decomposes
    [InlineData("\u1100\u1161\u11A8", "각")]
    [InlineData("가\u11A8", "각")]
    [InlineData("각\u11A8", "각\u11A8")]
    [InlineData("\u1161\u11A8", "\u1161\u11A8")]
    [InlineData("\u09C7\u0334\u09BE", "\u09C7\u0334\u09BE")] // a mark between two starters blocks them
    [InlineData("\u09C7\u09BE", "\u09CB")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165")]
    [InlineData("\U0002F800", "\u4E3D")]
    [InlineData("\U00011099\U000110BA", "\U0001109A")]
    [InlineData("\u01D5", "\u01D5")]
    [InlineData("U\u0308\u0304", "\u01D5")]
    [InlineData("\u0300A", "\u0300A")]
    public void TextIsComposed(string text, string expected) => Assert.Equal(expected, UnicodeNormalization.Normalize(text));

    [Theory]
    [InlineData(NormalizationForm.FormD, "\u1E9B\u0323", "\u017F\u0323\u0307")] // UAX #15's table of all four forms
    [InlineData(NormalizationForm.FormC, "\u1E9B\u0323", "\u1E9B\u0323")]
    [InlineData(NormalizationForm.FormKD, "\u1E9B\u0323", "s\u0323\u0307")]
    [InlineData(NormalizationForm.FormKC, "\u1E9B\u0323", "\u1E69")]
    [InlineData(NormalizationForm.FormD, "Åﬁ각", "A\u030Aﬁ\u1100\u1161\u11A8")]
    [InlineData(NormalizationForm.FormKC, "Ⅸ ｆｕｌｌ ﬃ ㌔ ½ ㉮\u00A0𝔄", "IX full ffi キロ 1\u20442 가 A")]
    [InlineData(NormalizationForm.FormKD, "ﷺ㌀ẛ", "صلى الله عليه وسلمアハ\u309Aートs\u0307")]
    [InlineData(NormalizationForm.FormKC, "plain~\u007F", "plain~\u007F")]
    public void OtherFormsAreGivenToo(NormalizationForm form, string text, string expected) => Assert.Equal(expected, UnicodeNormalization.Normalize(text, form));

    [Fact]
    public void EveryMappingHolds()
    {
        var mappings = CanonicalMappings.Load();
        Assert.Equal(2061, mappings.Decompositions.Count);
        Assert.Equal(941, mappings.Compositions.Count);
        foreach (var ((first, second), composite) in mappings.Compositions)
            Assert.Equal(char.ConvertFromUtf32(composite), UnicodeNormalization.Normalize(char.ConvertFromUtf32(first) + char.ConvertFromUtf32(second)));
        var variants = CompatibilityMappings.Load();
        Assert.Equal(3849, variants.Count);
        foreach (var (point, parts) in variants)
            Assert.Equal(string.Concat(parts.Select(char.ConvertFromUtf32)), UnicodeNormalization.Normalize(char.ConvertFromUtf32(point), NormalizationForm.FormKD));
        foreach (var point in mappings.Decompositions.Keys)
        {
            var normalized = UnicodeNormalization.Normalize(char.ConvertFromUtf32(point));
            Assert.Equal(normalized, UnicodeNormalization.Normalize(normalized));
        }
    }
}
