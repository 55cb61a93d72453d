using System.Text;
using PeaEngine.Backends;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>Students in the sizes in which they are published, over a backend that keeps nothing: every tensor in its stored type, and a pass that fits together.</summary>
public class RealSizesTests
{
    [Fact]
    public void XlmRobertaLarge() => Check("""
        {"model_type": "xlm-roberta", "hidden_size": 1024, "intermediate_size": 4096, "layer_norm_eps": 1e-5, "max_position_embeddings": 514,
         "num_attention_heads": 16, "num_hidden_layers": 24, "type_vocab_size": 1, "vocab_size": 250002}
        """, parameters: 558_840_832, (backend, config, source) => BertModel.Load(backend, BertConfig.Read(config), source), tokens: 512);

    [Fact]
    public void Mt5XlEncoder() => Check("""
        {"model_type": "mt5", "d_ff": 5120, "d_kv": 64, "d_model": 2048, "num_heads": 32, "num_layers": 24, "vocab_size": 250112}
        """, parameters: 1_669_958_656, (backend, config, source) => T5EncoderModel.Load(backend, config, source), tokens: 256);

    static void Check(string json, long parameters, Func<Backend, JsonConfig, ITensorSource, IStudentModel> load, int tokens)
    {
        using var backend = new NullBackend();
        using var source = new SyntheticTensors();
        using var model = load(backend, JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json"), source);
        Assert.Equal(parameters, source.Parameters);
        // Two bytes a parameter; norms and biases, which become F32, are a thousandth of them.
        Assert.InRange(model.WeightBytes, 2 * parameters, 2.01 * parameters);
        var ids = Enumerable.Repeat(5, tokens).ToArray();
        var bytes = MeasuredArena.Measure(backend, p => Assert.Equal([1, tokens, model.HiddenSize], model.Forward(p, ids, new byte[tokens], 1).Shape));
        Assert.InRange(bytes, 1, 64 << 20);
    }
}
