using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>
/// How far rounding alone moves what a case with LoRAs draws. A LoRA several times as large as the weights makes every attention a switch: computed in
/// double precision, <c>lora-peft</c> is 0.0145 of the standard deviation from PyTorch's latents in single precision, so that any
/// other order of sums is as far from them. The other cases move by 1e-5.
/// </summary>
static class LoraRounding
{
    /// <summary>Of the scale: eight roundings to single, a hundredth of what a tensor of the golden files may differ by.</summary>
    const double Change = 1.0 / (1 << 20);

    /// <summary>The reference's rounding and our own may each move the result so far.</summary>
    const double Both = 2;

    /// <summary>The final latents' largest difference, in standard deviations, that rounding explains; 0 without LoRAs.</summary>
    public static double Explains(PipelineCase one)
    {
        if (one.Source.Loras.Count == 0) return 0;
        using var backend = Device.Open("cpu");
        using var pipeline = DiffusionPipeline.Load(one.Source with { Loras = [] }, backend);
        float[] latents = Draw(1), more = Draw(1 + Change), less = Draw(1 - Change);
        return Both * Math.Max(Distance(latents, more), Distance(latents, less));

        float[] Draw(double change)
        {
            var files = one.Source.Loras.Select(lora => LoraFile.Open(lora.Path)).ToList();
            foreach (var (file, lora) in files.Zip(one.Source.Loras)) pipeline.FuseLora(file, lora.Scale * change);
            var drawn = pipeline.Generate(one.Options()).Latents;
            pipeline.UnfuseLoras();
            foreach (var file in files) file.Dispose();
            return drawn;
        }
    }

    /// <summary>The largest difference in standard deviations of the first.</summary>
    public static double Distance(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        var mean = expected.Average();
        var deviation = Math.Sqrt(expected.Average(value => (value - mean) * (value - mean)));
        return expected.Zip(actual).Max(pair => Math.Abs((double)pair.First - pair.Second)) / deviation;
    }
}
