using PeaEngine.Diffusion.Lora;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Lora;

/// <summary>Which files are refused, with what words, and what alphas they have.</summary>
public sealed class LoraFileTests : IDisposable
{
    const string Module = "lora_unet_mid_block_attentions_0_proj_in", Down = Module + ".lora_down.weight", Up = Module + ".lora_up.weight", Alpha = Module + ".alpha", Difference = Module + ".diff";

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void KeysAndShapesThatAreNoLorasAreNamed()
    {
        Refuses("no tensors, expected a LoRA's");
        Refuses("tensor 'conv_in.weight', expected a LoRA's", Zeros("conv_in.weight", 4, 4));
        Refuses($"tensor '{Module}.dora_scale', expected a LoRA's", Zeros(Down, 4, 32), Zeros(Up, 32, 4), Zeros(Module + ".dora_scale", 32));
        Refuses($"tensor '{Down}' is there without its counterpart", Zeros(Down, 4, 32));
        Refuses($"tensor '{Up}' is there without its counterpart", Zeros(Up, 32, 4), Zeros(Alpha));
        Refuses($"tensor '{Alpha}' is there without its counterpart", Zeros(Alpha));
        Refuses($"tensor '{Down}' is [4,32,1] F32, expected a matrix or a convolution", Zeros(Down, 4, 32, 1), Zeros(Up, 32, 4));
        Refuses($"tensor '{Down}' is [0,32] F32, expected a matrix or a convolution", Zeros(Down, 0, 32), Zeros(Up, 32, 0));
        Refuses($"tensor '{Up}' is [32,4] I32, expected a matrix or a convolution of F32, F16 or BF16", Zeros(Down, 4, 32), Bytes(Up, DType.I32, 32, 4));
        Refuses($"tensor '{Up}' is [32,5] F32, expected the rank 4 of '{Down}'", Zeros(Down, 4, 32), Zeros(Up, 32, 5));
        Refuses($"tensor '{Alpha}' is [2] F32, expected a single number", Zeros(Down, 4, 32), Zeros(Up, 32, 4), Zeros(Alpha, 2));
        Refuses($"tensor '{Alpha}' is [] U8, expected F64, F32, F16, BF16, I64 or I32", Zeros(Down, 4, 32), Zeros(Up, 32, 4), Bytes(Alpha, DType.U8));
        Refuses($"tensor '{Alpha}' is NaN, expected a finite number", Zeros(Down, 4, 32), Zeros(Up, 32, 4), TensorContent.FromSingles(Alpha, [], new[] { float.NaN }));
        Refuses($"tensors '{Difference}' and '{Up}', expected a difference or factors", Zeros(Difference, 32, 32), Zeros(Up, 32, 4));
        Refuses($"tensor '{Difference}' is [32] F32, expected a matrix or a convolution", Zeros(Difference, 32));
        Refuses($"tensor '{Difference}_b', expected a LoRA's", Zeros(Difference, 32, 32), Zeros(Difference + "_b", 32));
        Refuses("tensors 'unet.a.lora.down.weight' and 'unet.a.lora_A.weight', expected one of them", Zeros("unet.a.lora.down.weight", 4, 32), Zeros("unet.a.lora_A.weight", 4, 32));
        Assert.Contains("no such file", Assert.Throws<PeaException>(() => LoraFile.Open(folder.At("none.safetensors"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text_encoder.text_model.encoder.layers.0.mlp.fc1", 48, 4, 48, "the model's text_encoder does not have")]
    [InlineData("unet.mid_block.attentions.9.proj_in", 48, 4, 48, "the model's unet does not have")]
    [InlineData("unet.conv_norm_out", 48, 4, 48, "the model's unet does not have")]
    [InlineData("base_model.model.mid_block.attentions.0.proj_in", 48, 4, 48, "the model's unet does not have")]
    [InlineData("unet.mid_block.attentions.0.proj_in", 48, 4, 47, "expected factors of mid_block.attentions.0.proj_in.weight [48,48]")]
    [InlineData("unet.mid_block.attentions.0.proj_in", 96, 4, 48, "expected factors of mid_block.attentions.0.proj_in.weight [48,48]")]
    [InlineData("unet.mid_block.resnets.0.conv1", 48, 4, 48, "expected factors of mid_block.resnets.0.conv1.weight [48,48,3,3]")]
    public void AWeightThatIsNotThereOrOfAnotherShapeIsNamed(string module, int outputs, int rank, int inputs, string expected)
    {
        using var model = new LoraModel();
        var before = model.Snapshot();
        var file = model.Write([Zeros(module + ".lora_A.weight", rank, inputs), Zeros(module + ".lora_B.weight", outputs, rank)]);

        var message = Assert.Throws<PeaException>(() => model.Stack.Fuse(file, 1)).Message;

        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains($"'{module}.lora_A.weight'", message, StringComparison.Ordinal);
        Assert.Equal(before, model.Snapshot());
    }

    [Fact]
    public void ADifferenceOfAnotherShapeIsNamed()
    {
        using var model = new LoraModel();
        var file = model.Write([Zeros(Difference, 48, 47)]);

        var message = Assert.Throws<PeaException>(() => model.Stack.Fuse(file, 1)).Message;

        Assert.Contains($"tensor '{Difference}' [48,47] F32, expected a difference of mid_block.attentions.0.proj_in.weight [48,48]", message, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoNamesOfOneWeightAreRefused()
    {
        using var model = new LoraModel();
        var lora = new RandomLora(model.Checkpoint, key => key.Contains("mid_block.resnets.0.conv1", StringComparison.Ordinal), 4, seed: 1);
        var file = model.Write([.. lora.Peft("unet."), .. lora.Kohya("lora_unet_", rename: module => model.Originals.ToOriginal(module)!)]);

        var message = Assert.Throws<PeaException>(() => model.Stack.Fuse(file, 1)).Message;

        Assert.Contains("are both for mid_block.resnets.0.conv1.weight, expected one of them", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DType.F64, new byte[] { 0, 0, 0, 0, 0, 0, 0xF8, 0x3F }, 1.5)]
    [InlineData(DType.F32, new byte[] { 0, 0, 0xC0, 0x3F }, 1.5)]
    [InlineData(DType.F16, new byte[] { 0, 0x3E }, 1.5)]
    [InlineData(DType.BF16, new byte[] { 0xC0, 0x3F }, 1.5)]
    [InlineData(DType.I64, new byte[] { 8, 0, 0, 0, 0, 0, 0, 0 }, 8)]
    [InlineData(DType.I32, new byte[] { 0xFE, 0xFF, 0xFF, 0xFF }, -2)]
    public void AlphaIsANumberOfAnyType(DType dtype, byte[] alpha, double expected)
    {
        using var file = Open(null, Zeros(Down, 4, 32), Zeros(Up, 32, 4), TensorContent.FromBytes(new(Alpha, dtype, [1]), alpha));

        Assert.Equal(expected / 4, Assert.IsType<LoraPair>(Assert.Single(file.Changes)).Factor);
    }

    /// <summary>peft's LoraConfig, which diffusers keeps in the file's notes; a tensor beside the factors says more.</summary>
    [Theory]
    [InlineData("{}", 1)]
    [InlineData("""{"unet.r": 4, "unet.lora_alpha": 8}""", 2)]
    [InlineData("""{"r": 4, "lora_alpha": 8}""", 2)]
    [InlineData("""{"text_encoder.r": 4, "text_encoder.lora_alpha": 8}""", 1)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.use_rslora": true}""", 4)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.alpha_pattern": {"attentions.0.proj_in": 1, "proj_in": 2}}""", 0.25)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.alpha_pattern": {"roj_in": 1, "proj_.*": 2}}""", 0.5)]
    [InlineData("""{"unet.lora_alpha": 8, "unet.alpha_pattern": {"^proj_in": 1, "^mid_block.attentions.0.proj_in": 2}}""", 0.5)]
    [InlineData("""{"unet.alpha_pattern": {"proj_out": 1}}""", 1)]
    public void NotesOfPeftAreReadAsPeftReadsThem(string notes, double expected)
    {
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["lora_adapter_metadata"] = notes };
        using var file = Open(metadata, Zeros("unet.mid_block.attentions.0.proj_in.lora_A.weight", 4, 32), Zeros("unet.mid_block.attentions.0.proj_in.lora_B.weight", 32, 4));

        Assert.Equal(expected, Assert.IsType<LoraPair>(Assert.Single(file.Changes)).Factor);
    }

    [Theory]
    [InlineData("[]", "lora_adapter_metadata")]
    [InlineData("""{"unet.use_dora": true}""", "unet.use_dora is 'true', expected false")]
    [InlineData("""{"unet.lora_alpha": "8"}""", "unet.lora_alpha is '\"8\"'")]
    [InlineData("""{"unet.alpha_pattern": {"(": 1}}""", "pattern '(', expected a regular expression")]
    [InlineData("""{"unet.alpha_pattern": {"(?=proj)": 1}}""", "pattern '(?=proj)', expected a regular expression without lookarounds")]
    public void NotesThatAskForSomethingElseAreRefused(string notes, string expected)
    {
        var metadata = new Dictionary<string, string> { ["lora_adapter_metadata"] = notes };
        var error = Assert.Throws<PeaException>(() => Open(metadata, Zeros("unet.a.lora_A.weight", 4, 32), Zeros("unet.a.lora_B.weight", 32, 4)));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    void Refuses(string expected, params TensorContent[] tensors)
    {
        var message = Assert.Throws<PeaException>(() => Open(null, tensors)).Message;
        Assert.True(message.Contains(expected, StringComparison.Ordinal), message);
    }

    LoraFile Open(Dictionary<string, string>? metadata, params TensorContent[] tensors)
    {
        SafetensorsWriter.Write(folder.At("lora.safetensors"), tensors, metadata);
        return LoraFile.Open(folder.At("lora.safetensors"));
    }

    static TensorContent Zeros(string name, params long[] shape) => Bytes(name, DType.F32, shape);

    static TensorContent Bytes(string name, DType dtype, params long[] shape)
    {
        var info = new TensorInfo(name, dtype, shape);
        return TensorContent.FromBytes(info, new byte[info.Bytes]);
    }
}
