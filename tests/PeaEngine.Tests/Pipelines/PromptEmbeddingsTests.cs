using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>Texts as a pipeline's UNet is told them.</summary>
public class PromptEmbeddingsTests
{
    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");

    public static TheoryData<string, bool> Pipelines => new() { { SmallPipeline.Sdxl, false }, { SmallPipeline.Sd15, false }, { Path.Combine(Samples, "teacher"), true } };

    /// <summary>Several at once are several alone, to rounding: products are cut otherwise.</summary>
    [Theory, MemberData(nameof(Pipelines))]
    public void EachPromptHasARow(string model, bool withAdapter)
    {
        using var backend = Device.Open("cpu", 2);
        var source = new PipelineSource(model);
        using var pipeline = DiffusionPipeline.Load(withAdapter ? source with { Student = Path.Combine(Samples, "student"), Adapter = Path.Combine(Samples, "reference-adapter.bin") } : source, backend);
        string[] prompts = ["tiger, flat icon", "", "老虎"];
        var all = pipeline.Encode(prompts);
        Assert.Equal(prompts.Length, all.Rows);
        Assert.Equal(pipeline is StableDiffusionXL, all.Pooled != null);
        for (var i = 0; i < prompts.Length; i++)
        {
            var alone = pipeline.Encode([prompts[i]]);
            Assert.Equal((1, all.Tokens), (alone.Rows, alone.Tokens));
            Same(alone.Sequence, all.Sequence, i);
            if (alone.Pooled is { } pooled) Same(pooled, all.Pooled!, i);
        }

        void Same(float[] alone, float[] rows, int i) => GoldenTensors.AssertClose(prompts[i], alone, rows.AsSpan(i * alone.Length, alone.Length), 1e-5);
    }
}
