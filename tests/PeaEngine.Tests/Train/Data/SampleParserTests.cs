using System.Text;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public class SampleParserTests
{
    static readonly DataOptions Options = new() { Languages = ["zh", "it"], Buckets = [new(64, 64), new(32, 96)], Filter = new() { MinPixels = 60 * 60 } };

    [Theory]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "caption_it": "b", "caption_ru": "c"}""", "zh=a it=b | e")]
    [InlineData("""{"caption_zh": " ", "caption_en": "e", "caption_it": "b"}""", "it=b | e")]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "caption_ori": "o"}""", "zh=a | e")]
    [InlineData("""{"caption_ori": "o"}""", "ori=o | ")]
    [InlineData("""{"caption_ori": "o", "caption_en": "e"}""", "ori=o | e")]
    [InlineData("""{"caption_ori": "o", "caption_zh": "a", "caption_en": null}""", "ori=o | ")]
    public void ChoosesCaptions(string metadata, string expected)
    {
        var captions = Parse(metadata, out _)!.Captions;
        Assert.Equal(expected, $"{string.Join(' ', captions.Students.Select(caption => $"{caption.Language}={caption.Text}"))} | {captions.Teacher}");
    }

    [Theory]
    [InlineData("""{"caption_zh": "a"}""", DropReason.NoEnglishCaption)]
    [InlineData("""{"caption_en": "e", "caption_ru": "c"}""", DropReason.NoCaption)]
    [InlineData("{}", DropReason.NoCaption)]
    [InlineData(null, DropReason.NoMetadata)]
    public void DropsWhatHasNoCaption(string? metadata, DropReason expected)
    {
        Assert.Null(Parse(metadata, out var reason));
        Assert.Equal(expected, reason);
    }

    [Theory]
    [InlineData("""{"caption_ori": "o", "watermark": 0.9}""", 60, null)]
    [InlineData("""{"caption_ori": "o", "watermark": null}""", 59, DropReason.TooSmall)]
    [InlineData("""{"caption_ori": "o"}""", 8, null)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": 0.5, "aesthetic_score": 6}""", 60, null)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": 0.5, "aesthetic": 6.5}""", 60, null)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": 0.51, "aesthetic_score": 6}""", 60, DropReason.Watermark)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": null, "aesthetic_score": 6}""", 60, DropReason.Watermark)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": 0.1, "aesthetic_score": 5.99}""", 60, DropReason.LowAesthetic)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": 0.1}""", 60, DropReason.LowAesthetic)]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": 0.1, "aesthetic_score": 9}""", 59, DropReason.TooSmall)]
    public void AppliesThePublishedFilters(string metadata, int side, DropReason? expected)
    {
        var sample = Parse(metadata, out var reason, side, side);
        Assert.Equal(expected, sample == null ? reason : null);
        if (sample == null) Assert.NotNull(Parse(metadata, out _, side, side, Options with { Filter = null }));
    }

    [Theory]
    [InlineData("not json", "not valid JSON")]
    [InlineData("""{"caption_zh": 5}""", "caption_zh is '5', expected a string")]
    [InlineData("""{"caption_zh": "a", "caption_en": "e", "watermark": "low", "aesthetic_score": 9}""", "watermark is '\"low\"', expected a number")]
    public void NamesDamage(string metadata, string message)
    {
        var error = Assert.Throws<PeaException>(() => Parse(metadata, out _));
        Assert.StartsWith("s.tar: byte 1024: sample 'k': ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesADamagedPicture()
    {
        var files = new Dictionary<string, byte[]> { ["png"] = [1, 2, 3], ["json"] = Encoding.UTF8.GetBytes("""{"caption_ori": "o"}""") };
        Assert.Contains("sample 'k': no picture of a known kind", Assert.Throws<PeaException>(() => new SampleParser(Options).Parse(new("s.tar", 1024, "k", files), out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FindsTheBucketAndTheSize()
    {
        const string Metadata = """{"caption_ori": "o"}""";
        Assert.Equal((0, new PixelSize(70, 60)), (Parse(Metadata, out _, 60, 70)!.Bucket, Parse(Metadata, out _, 60, 70)!.Size));
        Assert.Equal(1, Parse(Metadata, out _, 90, 40)!.Bucket);
        Assert.Null(Parse(Metadata, out var reason, 100, 20));
        Assert.Equal(DropReason.NoBucket, reason);
    }

    [Fact]
    public void WantsAPicture()
    {
        Assert.Null(new SampleParser(Options).Parse(new("s.tar", 0, "k", new Dictionary<string, byte[]> { ["json"] = "{}"u8.ToArray() }), out var reason));
        Assert.Equal(DropReason.NoPicture, reason);
    }

    static Sample? Parse(string? metadata, out DropReason reason, int width = 64, int height = 64, DataOptions? options = null)
    {
        var files = new Dictionary<string, byte[]> { ["png"] = ShardFiles.Picture(width, height, "x") };
        if (metadata != null) files["json"] = Encoding.UTF8.GetBytes(metadata);
        return new SampleParser(options ?? Options).Parse(new("s.tar", 1024, "k", files), out reason);
    }
}
