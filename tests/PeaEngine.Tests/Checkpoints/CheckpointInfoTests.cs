using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

public class CheckpointInfoTests
{
    static string At(string path) => Path.Combine(Repository.Root, path);

    [Theory]
    [InlineData("tests/golden/unet/sdxl", "SDXL UNet")]
    [InlineData("tests/golden/unet/sdxl-inpaint", "SDXL UNet (inpainting)")]
    [InlineData("tests/golden/unet/ssd-1b", "SDXL UNet (no attention in the middle)")]
    [InlineData("tests/golden/unet/sdxl-refiner", "SDXL refiner UNet")]
    [InlineData("tests/golden/unet/sd15", "Stable Diffusion 1 UNet")]
    [InlineData("tests/golden/unet/sd21", "Stable Diffusion 2 UNet")]
    [InlineData("tests/golden/unet/lcm-sdxl", "SDXL UNet (guidance embedding (LCM))")]
    [InlineData("tests/golden/controlnet/sd15", "Stable Diffusion 1 ControlNet")]
    [InlineData("tests/golden/controlnet/sdxl", "SDXL ControlNet")]
    [InlineData("tests/golden/vae/f8", "VAE (AutoencoderKL)")]
    [InlineData("tests/golden/text/clip-l", "CLIP text encoder of 3 layers")]
    [InlineData("tests/golden/text/clip-bigg", "CLIP text encoder of 4 layers with projection")]
    [InlineData("tests/golden/text/bert", "BERT or XLM-RoBERTa of 3 layers")]
    [InlineData("tests/golden/text/altclip", "AltCLIP text encoder of 3 layers")]
    [InlineData("tests/golden/text/chinese-clip-hf", "BERT or XLM-RoBERTa of 3 layers")]
    [InlineData("tests/golden/text/chinese-clip", "Chinese-CLIP of cn_clip, text encoder of 3 layers")]
    [InlineData("tests/golden/text/open-clip-xlm-roberta", "OpenCLIP, text encoder of 3 BERT or XLM-RoBERTa layers")]
    [InlineData("tests/golden/text/open-clip-xlm-roberta/open_clip_pytorch_model.bin", "OpenCLIP, text encoder of 3 BERT or XLM-RoBERTa layers")]
    [InlineData("tests/golden/text/mt5", "T5 encoder of 3 layers")]
    [InlineData("tests/golden/text/umt5", "umT5 encoder of 3 layers")]
    [InlineData("tests/golden/adapter/sdxl-4-linear/pytorch_model.bin", "PEA adapter of 4 linears, with a pooled output")]
    [InlineData("tests/golden/adapter/sd15-5-linear/pytorch_model.bin", "PEA adapter of 5 linears, without a pooled output")]
    [InlineData("tests/golden/adapter/sdxl-legacy/pytorch_model.bin", "PEA adapter in the legacy key naming")]
    [InlineData("tests/golden/distill/sdxl-hybrid/adapter_final.safetensors", "PEA adapter of 3 linears, with a pooled output")]
    [InlineData("tests/golden/distill/sd15-kd/adapter_final.safetensors", "PEA adapter of 3 linears, without a pooled output")]
    [InlineData("tests/golden/pipeline/sdxl-random/lora/lora_kohya.safetensors", "LoRA")]
    [InlineData("tests/golden/pipeline/sdxl-random/lora/lora_peft.safetensors", "LoRA")]
    [InlineData("tests/golden/single-file/sdxl-random.safetensors", "SDXL in one file, original key naming")]
    [InlineData("tests/golden/single-file/sd15-random.ckpt", "Stable Diffusion 1 in one file, original key naming")]
    [InlineData("tests/golden/random/torch_cpu.safetensors", "unknown")]
    public void TellsWhatItIs(string path, string kind) => Assert.Equal(kind, CheckpointInfo.Read(At(path)).Kind);

    [Fact]
    public void DescribesAPipeline()
    {
        var info = CheckpointInfo.Read(At("samples/emoji/teacher"));

        Assert.Equal(("pipeline", "StableDiffusionXLPipeline"), (info.Kind, info.ClassName));
        Assert.Equal(["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"], info.Parts.Select(part => part.Name));
        var unet = info.Parts.Single(part => part.Name == "unet");
        Assert.Equal(("SDXL UNet", "UNet2DConditionModel", 410), (unet.Kind, unet.ClassName, unet.Tensors));
        Assert.Equal(DType.F16, Assert.Single(unet.DTypes).DType);
        Assert.Equal(unet.Parameters * 2, unet.Bytes);
        var header = BitConverter.ToInt64(File.ReadAllBytes(unet.Weights!), 0);
        Assert.Equal(new FileInfo(unet.Weights!).Length - 8 - header, unet.Bytes);
        var scheduler = info.Parts.Single(part => part.Name == "scheduler");
        Assert.Equal((null, 0L, "EulerDiscreteScheduler"), (scheduler.Weights, scheduler.Parameters, scheduler.Kind));
        Assert.Equal(info.Parts.Sum(part => part.Parameters), info.Parameters);
    }

    [Fact]
    public void SplitsAnOriginalFile()
    {
        var parts = CheckpointInfo.Read(At("tests/golden/single-file/sdxl-random.safetensors")).Parts;

        Assert.Equal(["conditioner.embedders", "first_stage_model", "model.diffusion_model"], parts.Select(part => part.Name));
        Assert.Equal(1055, parts.Sum(part => part.Tensors));
    }

    [Fact]
    public void CountsByElementTypeAndGivesMetadata()
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("a.safetensors");
        SafetensorsWriter.Write(path,
        [
            TensorContent.FromSingles("a", [2, 3], new float[6]),
            TensorContent.FromBytes(new TensorInfo("b", DType.F16, [20]), new byte[40]),
            TensorContent.FromBytes(new TensorInfo("c", DType.F16, [1]), new byte[2]),
        ], new Dictionary<string, string> { ["format"] = "pt" });

        var info = CheckpointInfo.Read(path);

        Assert.Equal([new DTypeCount(DType.F16, 2, 21, 42), new DTypeCount(DType.F32, 1, 6, 24)], info.Parts[0].DTypes);
        Assert.Equal((27L, 66L, "pt"), (info.Parameters, info.Bytes, info.Metadata["format"]));
    }

    [Fact]
    public void RefusesWhatIsNoCheckpoint()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<PeaException>(() => CheckpointInfo.Read(folder.Path));
        Assert.Throws<PeaException>(() => CheckpointInfo.Read(folder.At("absent")));
        Assert.ThrowsAny<PeaException>(() => CheckpointInfo.Read(folder.Write("text", "not a checkpoint")));
    }
}
