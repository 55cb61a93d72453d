using System.Globalization;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Prompts;
using PeaEngine.Diffusion.Tokenizers;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Prompts;

public class WeightedPromptTests
{
    static readonly ClipTokenizer Tokenizer = ClipTokenizer.Load(Path.Combine(SmallPipeline.Sdxl, "tokenizer"));

    /// <summary>The examples of A1111's own documentation of its parser, and what it does with the odd ones.</summary>
    [Theory]
    [InlineData("normal text", "normal text@1")]
    [InlineData("an (important) word", "an @1|important@1.1| word@1")]
    [InlineData("(unbalanced", "unbalanced@1.1")]
    [InlineData(@"\(literal\]", "(literal]@1")]
    [InlineData("(unnecessary)(parens)", "unnecessaryparens@1.1")]
    [InlineData("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", "a @1|house@1.573| @1.1|on@1| a @1.1|hill@0.55|, sun, @1.1|sky@1.4641|.@1.1")]
    [InlineData("", "@1")]
    [InlineData("()", "@1")]
    [InlineData("(a:-1)(b:+.5)(c: 2 )", "a@-1|b@0.5|c@2")]
    [InlineData("a:1.2) b", "a:1.2) b@1")]
    [InlineData("[a:1.2]", "a:1.2@0.909091")]
    [InlineData("(a:b) (c:)", "a:b@1.1| @1|c:@1.1")]
    [InlineData(@"a\b\\c\", @"ab\c@1")]
    [InlineData("a] b)", "a] b)@1")]
    [InlineData("([a)]", "a@1")]
    [InlineData("a  BREAK  b", "a@1|BREAK@-1|b@1")]
    [InlineData("BREAKS _BREAK BREAK", "BREAKS _BREAK@1|BREAK@-1|@1")]
    [InlineData("aBREAK BREAK BREAK", "aBREAK@1|BREAK@-1|@1|BREAK@-1|@1")]
    [InlineData("(a BREAK b)", "a@1.1|BREAK@-1.1|b@1.1")]
    public void PartsHaveTheirWeights(string prompt, string parts) =>
        Assert.Equal(parts, string.Join('|', PromptPart.Parse(prompt).Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Text}@{Math.Round(part.Weight, 6)}"))));

    [Theory]
    [InlineData("(a:1.2.3)", "1.2.3")]
    [InlineData("(a:.)", ".")]
    public void AWeightThatIsNoNumberIsNamed(string prompt, string weight) =>
        Assert.Equal($"prompt: the weight '{weight}', expected a number", Assert.Throws<OptionException>(() => PromptPart.Parse(prompt)).Message);

    /// <summary>Of any text in any brackets: something is left of it, and no chunk has more tokens than there is room for.</summary>
    [Fact]
    public void AnyPromptIsRead()
    {
        var random = new Random(2);
        string[] stock = ["(", ")", "[", "]", "\\", ":", "1.5", " ", ",", "BREAK", "cat", "é", "-", ".", "猫"];
        for (var i = 0; i < 2000; i++)
        {
            var prompt = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => stock[random.Next(stock.Length)]));
            try
            {
                var chunks = PromptChunk.Cut(prompt, Tokenizer, 5);
                Assert.NotEmpty(chunks);
                Assert.All(chunks, chunk => Assert.InRange(chunk.Ids.Count, 0, 5));
                Assert.All(chunks, chunk => Assert.Equal(chunk.Ids.Count, chunk.Weights.Count));
            }
            catch (OptionException error)
            {
                Assert.StartsWith("prompt: the weight '", error.Message, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Chunks of four tokens; 'x' is one that is no comma.</summary>
    [Theory]
    [InlineData("x x x x", "4")]
    [InlineData("x x x x x", "4 1")]
    [InlineData("x , x x x x", "2 4")] // the words behind the comma move
    [InlineData("x x x , x", "4 1")]
    [InlineData("x x x x , x x x x", "4 4 1")] // a comma without room opens a chunk and is forgotten
    [InlineData(", x x x x x", "1 4 1")]
    [InlineData("x BREAK x", "1 1")]
    [InlineData("BREAK BREAK", "0 0")]
    [InlineData("x x x x BREAK", "4")]
    [InlineData("", "0")]
    public void ChunksEndAtCommas(string prompt, string sizes) =>
        Assert.Equal(sizes, string.Join(' ', PromptChunk.Cut(prompt.Replace("x", "cat", StringComparison.Ordinal), Tokenizer, 4).Select(chunk => chunk.Ids.Count)));

    [Fact]
    public void ACommaFarBackDoesNotCount()
    {
        Assert.Equal(2, PromptChunk.Cut(Words(10), Tokenizer, 30)[0].Ids.Count - 9);
        Assert.Equal(30, PromptChunk.Cut(Words(9), Tokenizer, 30)[0].Ids.Count);

        // A comma behind some words, then many more.
        static string Words(int before) => string.Join(' ', Enumerable.Repeat("cat", before).Append(",").Concat(Enumerable.Repeat("cat", 40)));
    }

    [Fact]
    public void StatesAreMultipliedAndKeepTheirMean()
    {
        float[] states = [1, 2, 3, 4, 5, 6, 7, 8];
        new PromptChunk([9, 9], [2, 0.5]).Weigh(states, 2);
        float[] weighed = [1, 2, 6, 8, 2.5f, 3, 7, 8];
        Assert.All(states.Zip(weighed), pair => Assert.Equal(pair.Second * 36 / 37.5, pair.First, 1e-5));
        float[] zeros = [0, 0, 1, 0];
        new PromptChunk([9], [0]).Weigh(zeros.AsSpan(2), 1);
        Assert.All(zeros, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void PicturesFollowTheWeights()
    {
        foreach (var model in new[] { SmallPipeline.Sdxl, SmallPipeline.Sd15 })
        {
            using var backend = Device.Open("cpu", 2);
            using var pipeline = DiffusionPipeline.Load(model, backend);
            var plain = SmallPipeline.Options with { NegativePrompt = "dog" };
            var weighted = plain with { PromptSyntax = PromptSyntax.Weighted };
            var expected = pipeline.Generate(plain).Latents;
            Assert.Equal(expected, pipeline.Generate(weighted).Latents);
            Assert.Equal(expected, pipeline.Generate(weighted with { Prompt = plain.Prompt.Replace("flat", "(flat:1.0)", StringComparison.Ordinal) }).Latents);
            Assert.NotEqual(expected, pipeline.Generate(weighted with { Prompt = plain.Prompt.Replace("flat", "(flat:1.5)", StringComparison.Ordinal) }).Latents);
            var longer = string.Join(", ", Enumerable.Repeat(plain.Prompt, 20));
            var whole = pipeline.Generate(weighted with { Prompt = longer }).Latents;
            Assert.NotEqual(whole, pipeline.Generate(weighted with { Prompt = longer + " BREAK cat" }).Latents);
            // Either may be the longer one.
            Assert.NotEqual(expected, pipeline.Generate(weighted with { NegativePrompt = longer }).Latents);
        }
    }

    [Fact]
    public void AStudentsTokensHaveNoWeights()
    {
        var pipeline = Path.Combine(Repository.Root, "tests", "golden", "pipeline", "sdxl-random");
        var source = new PipelineSource(SmallPipeline.Sdxl) { Student = Path.Combine(pipeline, "student"), Adapter = Path.Combine(pipeline, "adapter", "pytorch_model.bin") };
        var error = Assert.Throws<OptionException>(() => DiffusionPipeline.Check(source, SmallPipeline.Options with { PromptSyntax = PromptSyntax.Weighted }));
        Assert.StartsWith("prompt syntax: weighted, but an adapter", error.Message, StringComparison.Ordinal);
    }
}
