using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Pipelines;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// The small golden pipelines with activations in F16, as on a GPU but on the CPU: init images, masks, ControlNets, LoRAs, adapters, refiners. Nowhere is an op given activations and what is F32 around them together.
/// </summary>
public class RoundedPipelineGoldenTests
{
    /// <summary>Of the standard deviation. An F16 has 2^-11 of a value; models of some hundred ops in a row, and a sampler's steps, add theirs up.</summary>
    const double Tolerance = 0.02;

    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var row in PipelineCase.All())
                if (row is [string pipeline, string name] && pipeline != "emoji") data.Add(pipeline, name);
            if (data.Count == 0) data.Add("", "");
            return data;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void DrawsTheReferencesPicture(string pipeline, string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var one = PipelineCase.Find(pipeline, name);
        using var expected = GoldenTensors.Open(one.At(".safetensors"));
        using var backend = new RoundedBackend(DType.F16);
        using var loaded = DiffusionPipeline.Load(one.Source, backend);
        var error = LoraRounding.Distance(expected["latents.final"].Values, loaded.Generate(one.Options()).Latents);
        // A LoRA that lets F32's rounding through to the picture lets F16's through, too.
        var limit = Tolerance * PipelineGoldenTests.Slack(one);
        Assert.True(error <= limit, $"{name}: latents differ by {error:g3} of the standard deviation, expected {limit:g3} at most");
    }
}
