using PeaEngine.Perf.Models;
using PeaEngine.Perf.Ops;
using PeaEngine.Train.Config;

namespace PeaEngine.Perf;

/// <summary>All benchmarks, in the order in which they are run. One file an op, one a model.</summary>
static class Catalogue
{
    public static IReadOnlyList<IBenchmark> All { get; } =
    [
        // Products: the square one is what is compared with the peak, the others are of an SDXL step at 512².
        new Linear(2048, 2048, 2048),
        new Linear(1024, 1280, 1280),
        new Linear(1024, 1280, 10240),
        new Linear(1024, 1280, 10240, DType.F16),
        new Geglu(1024, 1280, 5120),
        new Conv2d(64, 320, 320),
        new Conv2d(32, 640, 640),
        new Conv2d(16, 1280, 1280),
        new Attention(4096, 4096, 10, 64),
        new Attention(1024, 1024, 10, 64),
        new Attention(1024, 77, 10, 64),
        new Attention(4096, 4096, 1, 512),
        // What reads and writes memory.
        new GroupNorm(64, 320),
        new GroupNorm(32, 640),
        new LayerNorm(1024, 640),
        new LayerNorm(1024, 1280),
        new RmsNorm(1024, 2048),
        new Activate(1 << 20, Activation.Silu),
        new Activate(1 << 20, Activation.Gelu),
        new Combine(1 << 20, 3),
        new Blend(1 << 20),
        new Concat(1024, 1280, 640),
        new Copy(1 << 20, DType.F16, DType.F32),
        new Copy(1 << 20, DType.F32, DType.F16),
        new ToChannelsLast(512, 3),
        new ToChannelsFirst(512, 3),
        new RescaleGuidance(2, 64, 4),
        new Embedding(2, 77, 1280),
        new MeanTokens(77, 1280),
        new TimestepEmbedding(2, 320),
        new Normals(1 << 20),
        // Gradients.
        new LinearBackward(1024, 1280, 1280),
        new LinearWeightBackward(1024, 1280, 1280),
        new Conv2dBackward(64, 320, 320),
        new Conv2dBackward(64, 320, 320, stride: 2),
        new Conv2dWeightBackward(64, 320, 320),
        new AttentionBackward(1, 4096, 4096, 10, 64),
        new AttentionBackward(1, 1024, 1024, 10, 64),
        new AttentionBackward(1, 1024, 77, 10, 64),
        new AttentionBackward(1, 4096, 4096, 1, 512),
        new AttentionBackward(32, 64, 64, 4, 32),
        new AttentionBackward(32, 256, 32, 4, 16),
        new ResizeBackward(32, 640),
        new SumTokens(4096, 320),
        new GroupNormBackward(64, 320),
        new GroupNormBackward(32, 640),
        new LayerNormBackward(1024, 640),
        new LayerNormBackward(1024, 1280),
        new RmsNormBackward(1024, 2048),
        new ActivateBackward(1 << 20, Activation.Silu),
        new ActivateBackward(1 << 20, Activation.Gelu),
        new GateBackward(1024, 5120),
        new Split(1024, 1280, 640),
        new EmbeddingBackward(2, 77, 1280),
        new MeanTokensBackward(77, 1280),
        new SquaredError(4, 32, 640),
        new SquaredErrorBackward(4, 32, 640),
        // What an optimiser's step does to an adapter of six million parameters.
        new AdamW(6 << 20),
        new SumSquares(6 << 20),
        new AdamWFactors(300),
        new SumErrors(9, 10),
        // Text encoders in their own size.
        new Student("xlm_roberta_large", 32, Student.XlmRobertaLarge),
        new Student("xlm_roberta_large", 77, Student.XlmRobertaLarge),
        new Student("mt5_xl", 77, Student.Mt5Xl),
        // Training the sample model.
        new DistillStep("distill_step", TrainTarget.Adapter, 32, 16, 32),
        new DistillStep("distill_step_lora", TrainTarget.Lora, 32, 16, 32),
        new DistillStep("distill_step_cross_attention_kv", TrainTarget.CrossAttentionKv, 32, 16, 32),
        // SDXL in its own size, at 512².
        new VaeDecode(64),
        new UNet(64, 77),
        new ControlNet(64, 77),
        new LoraFuse(64),
        // The command line, from its start to the PNG.
        new Picture("picture_emoji", 64, 20, isFullSize: false),
        new Picture("picture_sdxl", 512, 2, isFullSize: true),
    ];
}
