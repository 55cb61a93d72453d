using System.Text;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;

namespace PeaEngine.Perf.Models;

/// <summary>A student in its own size, weights in F16: one text of so many tokens.</summary>
sealed class Student(string op, int tokens, string config) : IBenchmark
{
    /// <summary>facebook/xlm-roberta-large, 559 M parameters.</summary>
    public const string XlmRobertaLarge = """
        {"model_type": "xlm-roberta", "hidden_size": 1024, "intermediate_size": 4096, "layer_norm_eps": 1e-5, "max_position_embeddings": 514,
         "num_attention_heads": 16, "num_hidden_layers": 24, "type_vocab_size": 1, "vocab_size": 250002}
        """;

    /// <summary>google/mt5-xl, whose encoder has 1.67 B parameters.</summary>
    public const string Mt5Xl = """
        {"model_type": "mt5", "d_ff": 5120, "d_kv": 64, "d_model": 2048, "num_heads": 32, "num_layers": 24, "vocab_size": 250112}
        """;

    public string Op => op;

    public IReadOnlyList<(string, int)> Arguments => [("tokens", tokens)];

    public double Flops => 0;

    public double Bytes => 0;

    public Action Set(Room room)
    {
        int[] ids = [.. Enumerable.Range(0, tokens).Select(i => 4 + i * 7919 % 250000)];
        var mask = new byte[tokens];
        mask.AsSpan().Fill(1);
        using var weights = new RandomWeights();
        var parsed = JsonConfig.Parse(Encoding.UTF8.GetBytes(config), op);
        Func<Pass, Tensor> forward;
        if (parsed.String("model_type") == "mt5")
        {
            var model = room.Own(T5EncoderModel.Load(room.Backend, parsed, weights));
            forward = p => model.Forward(p, ids, mask, 1);
        }
        else
        {
            var model = room.Own(BertModel.Load(room.Backend, BertConfig.Read(parsed), weights));
            forward = p => model.Forward(p, ids, mask, 1);
        }
        var pass = new Pass(room.Backend, room.Own(new Arena(room.Backend, MeasuredArena.Measure(room.Backend, p => forward(p)))));
        return () =>
        {
            using var scope = pass.Scratch();
            forward(pass);
        };
    }
}
