using PeaEngine.Backends;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Diffusion.Tokenizers;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.TextEncoders;

public class StudentEncoderTests
{
    const string SmallBert = """{"hidden_size":128,"num_attention_heads":2,"num_hidden_layers":2,"intermediate_size":96,"vocab_size":12,"max_position_embeddings":60}""";
    const string Vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n";

    static readonly string Emoji = Path.Combine(Repository.Root, "samples", "emoji", "student");

    /// <summary>The same weights in another place and format are the same student; a changed weight makes another.</summary>
    [Fact]
    public void AStudentIsKnownByItsWeights()
    {
        using var folder = new TemporaryFolder();
        folder.Write("first/config.json", """{"model_type": "xlm-roberta"}""");
        folder.Write("second/config.json", """{"model_type": "xlm-roberta"}""");
        TensorContent[] tensors = [TensorContent.FromSingles("b", [2], new float[] { 1, 2 }), TensorContent.FromSingles("a", [1], new float[] { 3 })];
        SafetensorsWriter.Write(folder.At("first", "model.safetensors"), tensors);
        TorchWriter.Write(folder.At("second", "pytorch_model.bin"), tensors);

        var identity = StudentIdentity.Of(folder.At("first"));
        Assert.Matches("^xlm-roberta sha256:[0-9a-f]{64}$", identity);
        Assert.Equal(identity, StudentIdentity.Of(folder.At("second")));
        TorchWriter.Write(folder.At("second", "pytorch_model.bin"), [tensors[0], TensorContent.FromSingles("a", [1], new float[] { 4 })]);
        Assert.NotEqual(identity, StudentIdentity.Of(folder.At("second")));
    }

    [Fact]
    public void TheLengthIsTheGivenOneElseTheTokenizers()
    {
        using var backend = new NullBackend();
        using (var student = StudentEncoder.Load(Emoji, backend))
        {
            Assert.Equal((32, 384), (student.Length, student.HiddenSize));
            var (ids, mask) = student.Tokenize("老虎头，3D图标");
            Assert.Equal((32, 32), (ids.Length, mask.Length));
        }
        using (var student = StudentEncoder.Load(Emoji, backend, 128)) Assert.Equal(128, student.Tokenize("a").Ids.Length);
        foreach (var length in (int[])[0, -1, 129])
            Assert.Contains($"{length} tokens, expected a student length of 1 to 128", Assert.Throws<OptionException>(() => StudentEncoder.Load(Emoji, backend, length)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheLengthIsElseTheModelsPositions()
    {
        using var backend = new NullBackend();
        using var folder = Folder(SmallBert);
        using var student = StudentEncoder.Load(folder.Path, backend);
        Assert.Equal(60, student.Length);
    }

    [Fact]
    public void WithoutAnyLimitALengthIsNeeded()
    {
        using var backend = new NullBackend();
        const string config = """{"model_type":"mt5","d_model":16,"d_kv":8,"d_ff":24,"num_layers":1,"num_heads":2,"vocab_size":12}""";
        using var folder = Folder(config, (nothing, parsed, source) => T5EncoderModel.Load(nothing, parsed, source).Dispose());
        Assert.Contains("expected a student length", Assert.Throws<OptionException>(() => StudentEncoder.Load(folder.Path, backend)).Message, StringComparison.Ordinal);
        using (var student = StudentEncoder.Load(folder.Path, backend, 40)) Assert.Equal(40, student.Length);
        Assert.Contains("student length of 1 to 4096", Assert.Throws<OptionException>(() => StudentEncoder.Load(folder.Path, backend, 5000)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ACheckpointOfCnClipNeedsNoConfiguration()
    {
        using var folder = Folder(SmallBert);
        var expected = Run(folder.Path);
        Write(folder, "clip_cn_tiny.pt", key => "module.bert." + key, null, new("module.text_projection", DType.F16, [128, 8]), new("module.visual.proj", DType.F16, [8, 8]), new("module.logit_scale", DType.F32, []));
        File.Delete(folder.At("config.json"));
        File.Delete(folder.At("model.safetensors"));
        using var backend = new NullBackend();
        foreach (var path in (string[])[folder.Path, folder.At("clip_cn_tiny.pt")])
        {
            using var student = StudentEncoder.Load(path, backend);
            Assert.Equal(52, student.Length);
            using var model = StudentFiles.Find(path).Load(backend, out var isChineseClip, out var dialect);
            Assert.Equal((true, BertDialect.ChineseClip), (isChineseClip, dialect));
            Assert.Equal(expected, Run(path));
        }
        File.Copy(folder.At("clip_cn_tiny.pt"), folder.At("clip_cn_another.pt"));
        AssertRefused("2 files clip_cn_*.pt, expected one", folder.Path);
    }

    [Fact]
    public void ACheckpointOfOpenClipNeedsNoConfiguration()
    {
        const string config = """{"model_type":"xlm-roberta","hidden_size":128,"num_attention_heads":2,"num_hidden_layers":2,"intermediate_size":96,"vocab_size":12,"max_position_embeddings":62,"type_vocab_size":1,"layer_norm_eps":1e-5}""";
        using var folder = Folder(config);
        var expected = Run(folder.Path);
        Write(folder, "open_clip_pytorch_model.bin", key => "text.transformer." + key, null, new("text.proj.0.weight", DType.F16, [8, 128]), new("visual.proj", DType.F16, [8, 8]), new("logit_scale", DType.F32, []));
        File.Delete(folder.At("config.json"));
        File.Delete(folder.At("model.safetensors"));
        folder.Write("open_clip_config.json", """{"model_cfg": {}}""");
        Assert.Equal(expected, Run(folder.Path));
    }

    [Fact]
    public void WhatIsNoTextEncoderIsToldWithWhatWasLookedFor()
    {
        using var folder = new TemporaryFolder();
        AssertRefused("no such file or folder, expected a text encoder", folder.At("absent"));
        AssertRefused("no text encoder in this folder, expected transformers' weights (model.safetensors, pytorch_model.bin, or an index of either), open_clip_model.safetensors", folder.Path);
        SafetensorsWriter.Write(folder.At("model.safetensors"), [TensorContent.FromSingles("a", [1], new float[1])]);
        AssertRefused("no text encoder, expected config.json with a model_type", folder.Path);
        folder.Write("config.json", """{"model_type":"gpt2"}""");
        AssertRefused("model_type is '\"gpt2\"', expected a text encoder: bert, roberta, xlm-roberta", folder.Path);
        File.Delete(folder.At("config.json"));
        SafetensorsWriter.Write(folder.At("model.safetensors"), [TensorContent.FromSingles(T5EncoderModel.FirstQuery, [1, 1], new float[1])]);
        AssertRefused("whose shapes do not tell all sizes; expected config.json with a model_type", folder.Path);
    }

    static void AssertRefused(string message, string path)
    {
        using var backend = new NullBackend();
        Assert.Contains(message, Assert.ThrowsAny<PeaException>(() => StudentEncoder.Load(path, backend)).Message, StringComparison.Ordinal);
    }

    /// <summary>A folder of transformers with a vocabulary of BERT and made-up weights.</summary>
    static TemporaryFolder Folder(string config, Action<Backend, JsonConfig, ITensorSource>? load = null)
    {
        var folder = new TemporaryFolder();
        folder.Write("config.json", config.Contains("model_type", StringComparison.Ordinal) ? config : $$"""{"model_type":"bert",{{config[1..]}}""");
        folder.Write("vocab.txt", Vocabulary);
        Write(folder, "model.safetensors", key => key, load);
        return folder;
    }

    static void Write(TemporaryFolder folder, string name, Func<string, string> rename, Action<Backend, JsonConfig, ITensorSource>? load, params TensorInfo[] more)
    {
        using var nothing = new NullBackend();
        using var source = new SyntheticTensors();
        var config = JsonConfig.Load(folder.At("config.json"));
        if (load != null) load(nothing, config, source);
        else BertModel.Load(nothing, BertConfig.Read(config), source).Dispose();
        source.Write(folder.At(name), rename, more);
    }

    static float[] Run(string path)
    {
        using var fixture = new ModelFixture();
        using var student = StudentEncoder.Load(path, fixture.Backend, 8);
        var (ids, mask) = student.Tokenize("a b c");
        return fixture.Download(student.Forward(fixture.Pass, ids, mask, 1));
    }
}
