using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Tests.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>The same model in every form that a checkpoint folder may have draws the same picture, to the bit.</summary>
public sealed class CheckpointFormsGoldenTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(3, null, null)]
    [InlineData(1, "fp16", null)]
    [InlineData(2, "fp16", null)]
    [InlineData(1, null, DType.F32)]
    public void DrawsTheSame(int shards, string? variant, DType? dtype)
    {
        if (Find() is not { } one) return;
        RewrittenCheckpoint.Copy(one.Model, folder.At("model"), shards, variant, dtype);

        Assert.Equal(SmallPipeline.Draw(one.Model, one.Options()), SmallPipeline.Draw(folder.At("model"), one.Options()));
    }

    /// <summary>Weights in bfloat16 are those of the rounded numbers, and other numbers than before.</summary>
    [Fact]
    public void BFloat16DrawsWhatItsRoundedWeightsDraw()
    {
        if (Find() is not { } one) return;
        RewrittenCheckpoint.Copy(one.Model, folder.At("bf16"), dtype: DType.BF16);
        RewrittenCheckpoint.Copy(folder.At("bf16"), folder.At("rounded"), dtype: DType.F32);

        var drawn = SmallPipeline.Draw(folder.At("bf16"), one.Options());

        Assert.Equal(SmallPipeline.Draw(folder.At("rounded"), one.Options()), drawn);
        Assert.NotEqual(SmallPipeline.Draw(one.Model, one.Options()), drawn);
    }

    /// <summary>Text encoders with and without their prefix, and the VAE's attention under its old names.</summary>
    [Fact]
    public void OtherNamesOfTheSameTensorsDrawTheSame()
    {
        if (Find() is not { } one) return;
        const string Prefix = "text_model.";
        RewrittenCheckpoint.Copy(one.Model, folder.At("model"));
        foreach (var encoder in new[] { "text_encoder", "text_encoder_2" })
        {
            var had = false;
            RewrittenCheckpoint.Rename(folder.At("model", encoder, "model.safetensors"), key =>
            {
                if (key.StartsWith("text_projection", StringComparison.Ordinal)) return key;
                had |= key.StartsWith(Prefix, StringComparison.Ordinal);
                return had ? key[Prefix.Length..] : Prefix + key;
            });
        }
        var renamed = 0;
        RewrittenCheckpoint.Rename(folder.At("model", "vae", "diffusion_pytorch_model.safetensors"), key =>
        {
            var old = key.Replace(".to_q.", ".query.", StringComparison.Ordinal).Replace(".to_k.", ".key.", StringComparison.Ordinal)
                .Replace(".to_v.", ".value.", StringComparison.Ordinal).Replace(".to_out.0.", ".proj_attn.", StringComparison.Ordinal);
            if (old != key) renamed++;
            return old;
        });

        Assert.Equal(16, renamed);
        using var backend = Device.Open("cpu", 2);
        using DiffusionPipeline expected = DiffusionPipeline.Load(one.Model, backend), actual = DiffusionPipeline.Load(folder.At("model"), backend);
        Assert.Equal(expected.Generate(one.Options())[0].Values, actual.Generate(one.Options())[0].Values);
    }

    static PipelineCase? Find() => PipelineCase.First("sdxl-random", "guidance_scale");
}
