using System.Text.Json;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Prompts;
using PeaEngine.Diffusion.Tokenizers;

namespace PeaEngine.Tests.Prompts;

/// <summary>A1111's reading of weighted prompts: parts, chunks, states and pooled embeddings.</summary>
public class WeightedPromptGoldenTests
{
    public static TheoryData<string> Folders => GoldenFolder.Cases("text", name => File.Exists(GoldenFolder.At("text", name, "cases.json")));

    [Theory, MemberData(nameof(Folders))]
    public void PartsAreA1111s(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        foreach (var entry in Read(name, out _))
        {
            (string Text, double Weight)[] expected = [.. entry.GetProperty("parsed").EnumerateArray().Select(part => (part[0].GetString()!, part[1].GetDouble()))];
            var parts = PromptPart.Parse(entry.GetProperty("prompt").GetString()!);
            Assert.Equal(expected.Select(part => part.Text), parts.Select(part => part.Text));
            // Weights are written with nine digits.
            Assert.All(parts.Zip(expected), pair => Assert.Equal(pair.Second.Weight, pair.First.Weight, 1e-9));
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void ChunksAreA1111s(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var cases = Read(name, out var model);
        var tokenizer = ClipTokenizer.Load(Path.Combine(model, "tokenizer"));
        foreach (var entry in cases)
        {
            var chunks = PromptChunk.Cut(entry.GetProperty("prompt").GetString()!, tokenizer, tokenizer.ModelMaxLength - 2);
            JsonElement[] expected = [.. entry.GetProperty("chunks").EnumerateArray()];
            Assert.Equal(expected.Length, chunks.Count);
            foreach (var (chunk, reference) in chunks.Zip(expected))
            {
                Assert.Equal(reference.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), chunk.Ids);
                Assert.All(chunk.Weights.Zip(reference.GetProperty("weights").EnumerateArray(), (weight, wanted) => (weight, wanted.GetDouble())), pair => Assert.Equal(pair.Item2, pair.weight, 1e-9));
            }
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void StatesAreTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var cases = Read(name, out var model);
        var config = PipelineConfig.Read(new(model));
        using var backend = Device.Open("cpu", 2);
        using var components = new ComponentOwner();
        var conditioner = new StableDiffusionXLConditioner(model, new PipelineModels(config, backend, components).Encoders, config.ForceZerosForEmptyPrompt);
        using var io = GoldenTensors.Open(GoldenFolder.At("text", name, "io.safetensors"));
        for (var i = 0; i < cases.Length; i++)
        {
            var embeddings = conditioner.Encode(new() { Prompt = cases[i].GetProperty("prompt").GetString()!, PromptSyntax = PromptSyntax.Weighted }, guided: false, default);
            Assert.Equal(io[$"{i}.sequence"].Shape[1], embeddings.Tokens);
            GoldenTensors.AssertClose(io[$"{i}.sequence"], embeddings.Sequence);
            GoldenTensors.AssertClose(io[$"{i}.pooled"], embeddings.Pooled!);
        }
    }

    static JsonElement[] Read(string name, out string model)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(GoldenFolder.At("text", name, "cases.json")));
        var root = document.RootElement.Clone();
        model = Path.GetFullPath(Path.Combine(GoldenFolder.At("text", name), root.GetProperty("model").GetString()!));
        return [.. root.GetProperty("cases").EnumerateArray()];
    }
}
