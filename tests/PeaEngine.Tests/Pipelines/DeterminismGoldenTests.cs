using PeaEngine.Backends;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.Pipelines;

/// <summary>The whole picture: the same bits for any number of threads, the reference's within tolerance on every instruction set.</summary>
public class DeterminismGoldenTests
{
    /// <summary>As in <see cref="PipelineGoldenTests"/>: rounding differs in every product, and the sampler carries it on.</summary>
    const double LatentTolerance = 1e-3;

    public static TheoryData<CpuIsa> Isas => new SupportedIsas();

    [Theory]
    [MemberData(nameof(Isas))]
    public void DrawsTheReferenceForAnyNumberOfThreads(CpuIsa isa)
    {
        if (PipelineCase.First("sdxl-random", "num_images_per_prompt") is not { } one) return;
        using var golden = GoldenTensors.Open(one.At(".safetensors"));
        var reference = golden["latents.final"].Values;
        var mean = reference.Average();
        var deviation = Math.Sqrt(reference.Average(value => (value - mean) * (value - mean)));

        var (expected, picture) = Draw(one, isa, 1);

        Assert.True(expected.Zip(reference).Max(pair => Math.Abs((double)pair.First - pair.Second)) <= LatentTolerance * deviation);
        foreach (var threads in new[] { 2, 3 })
        {
            var (latents, values) = Draw(one, isa, threads);
            Assert.Equal(expected, latents);
            Assert.Equal(picture, values);
        }
    }

    static (float[] Latents, float[] Picture) Draw(PipelineCase one, CpuIsa isa, int threads)
    {
        using var backend = new CpuBackend(threads, isa);
        using var pipeline = DiffusionPipeline.Load(one.Model, backend);
        var generation = pipeline.Generate(one.Options());
        return (generation.Latents, generation[generation.Count - 1].Values);
    }
}
