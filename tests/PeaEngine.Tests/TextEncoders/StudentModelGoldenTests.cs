using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;
using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>Every text encoder of <c>golden/text</c>, found and recognised as a student: each hidden state, the last one, and what the reference pools from it.</summary>
public class StudentModelGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("text", name => File.Exists(GoldenFolder.At("text", name, "config.json")));

    [Theory, MemberData(nameof(Cases))]
    public void LastStateIsTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var model = StudentFiles.Find(GoldenFolder.At("text", name)).Load(fixture.Backend, out var isChineseClip, out _);
        using var inputs = new TextInputs(name);
        var config = JsonConfig.Load(GoldenFolder.At("text", name, "config.json"));
        Assert.Equal(config.Has("text_hidden_size") || config.String("model_type") == "chinese_clip_text_model", isChineseClip);
        var state = model.Forward(fixture.Pass, inputs.Ids, inputs.Mask, inputs.Batch);
        Assert.Equal([inputs.Batch, inputs.Tokens, model.HiddenSize], state.Shape);
        var expected = inputs.Io[inputs.Io.Has("tokens") ? "tokens" : "last_hidden_state"];
        GoldenTensors.AssertClose(expected, fixture.Download(state));
    }

    [Theory, MemberData(nameof(Cases))]
    public void HiddenStatesAreTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var inputs = new TextInputs(name);
        if (!inputs.Io.Has("hidden.0")) return;
        using var fixture = new ModelFixture();
        using var model = StudentFiles.Find(GoldenFolder.At("text", name)).Load(fixture.Backend, out _, out _);
        var layers = inputs.Io.Names.Count(key => key.StartsWith("hidden.", StringComparison.Ordinal)) - 1;
        for (var skip = 0; skip <= layers; skip++)
        {
            using var scope = fixture.Pass.Scratch();
            var state = model switch
            {
                BertModel bert when skip > 0 || bert.Config.ProjectDim == null => bert.Forward(fixture.Pass, inputs.Ids, inputs.Mask, inputs.Batch, skip),
                T5EncoderModel t5 => t5.Forward(fixture.Pass, inputs.Ids, inputs.Mask, inputs.Batch, skip),
                ClipTextModel clip => clip.Forward(fixture.Pass, inputs.Ids, inputs.Batch, skip, finalLayerNorm: false).HiddenState,
                _ => (Tensor?)null,
            };
            // AltCLIP's last state before its projection is what the body alone gives.
            if (state is { } tensor) GoldenTensors.AssertClose(inputs.Io[$"hidden.{layers - skip}"], fixture.Download(tensor));
            else CheckBody(name, fixture, inputs, layers);
        }
    }

    /// <summary>Students give states alone; what the reference pools from them with more of the checkpoint's weights follows from them.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void PooledOutputsFollowFromTheLastState(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var inputs = new TextInputs(name);
        using var fixture = new ModelFixture();
        var files = StudentFiles.Find(GoldenFolder.At("text", name));
        using var model = files.Load(fixture.Backend, out _, out _);
        if (model is ClipTextModel) return;
        using var weights = new GoldenTensors(TensorFile.Open(files.Weights));
        var state = fixture.Download(model.Forward(fixture.Pass, inputs.Ids, inputs.Mask, inputs.Batch));
        for (var row = 0; row < inputs.Batch; row++)
        {
            double[] First() => Token(row, 0);
            if (inputs.Io.Has("pooler_output"))
                Check("pooler_output", weights.Has("transformation.weight") ? First()
                    : [.. Product(First(), weights["pooler.dense.weight"].Values).Zip(weights["pooler.dense.bias"].Values, (sum, bias) => Math.Tanh(sum + bias))]);
            if (inputs.Io.Has("projected")) Check("projected", Product(First(), Turned(weights["module.text_projection"])));
            if (inputs.Io.Has("pooled"))
            {
                // OpenCLIP's mean of the tokens that are no padding, through its two linears.
                int[] seen = [.. Enumerable.Range(0, inputs.Tokens).Where(token => inputs.Mask[row * inputs.Tokens + token] != 0)];
                double[] mean = [.. Enumerable.Range(0, model.HiddenSize).Select(i => seen.Average(token => Token(row, token)[i]))];
                Check("pooled", Product([.. Product(mean, weights["text.proj.0.weight"].Values).Select(x => Reference.Activate(x, Activation.Gelu))], weights["text.proj.2.weight"].Values));
            }

            void Check(string key, double[] actual) => GoldenTensors.AssertClose(key, inputs.Io[key].Values.AsSpan(row * actual.Length, actual.Length), Array.ConvertAll(actual, value => (float)value));
        }

        double[] Token(int row, int token) => Array.ConvertAll(state[((row * inputs.Tokens + token) * model.HiddenSize)..((row * inputs.Tokens + token + 1) * model.HiddenSize)], value => (double)value);
    }

    /// <summary>weight [N, K] · x [K]</summary>
    static double[] Product(double[] x, float[] weight) => [.. weight.Chunk(x.Length).Select(row => row.Zip(x, (a, b) => a * b).Sum())];

    /// <summary>[K, N] as [N, K].</summary>
    static float[] Turned(GoldenTensor tensor) =>
        [.. Enumerable.Range(0, tensor.Values.Length).Select(i => tensor.Values[i % tensor.Shape[0] * tensor.Shape[1] + i / tensor.Shape[0]])];

    static void CheckBody(string name, ModelFixture fixture, TextInputs inputs, int layers)
    {
        var config = JsonConfig.Load(GoldenFolder.At("text", name, "config.json")).With("model_type", "\"xlm-roberta\""u8);
        using var stored = DiffusersFolder.Open(GoldenFolder.At("text", name)).OpenWeights();
        using var body = new RenamedTensors(stored, key => key.StartsWith("roberta.", StringComparison.Ordinal) ? key : "lm_head." + key);
        using var model = BertModel.Load(fixture.Backend, BertConfig.Read(config), body);
        GoldenTensors.AssertClose(inputs.Io[$"hidden.{layers}"], fixture.Download(model.Forward(fixture.Pass, inputs.Ids, inputs.Mask, inputs.Batch)));
    }
}
