using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>Every CLIP text encoder of <c>golden/text</c>: each hidden state, the last one and the pooled one.</summary>
public class TextEncoderGoldenTests
{
    public enum Keys { AsStored, WithPrefix, WithoutPrefix }

    public static TheoryData<string> Cases => GoldenFolder.Cases("text", name => File.Exists(GoldenFolder.At("text", name, "config.json"))
        && JsonConfig.Load(GoldenFolder.At("text", name, "config.json")).OptionalString("model_type") == "clip_text_model");

    [Theory, MemberData(nameof(Cases))]
    public void StatesAreTransformers(string name)
    {
        if (!GoldenFolder.IsAbsent(name)) Check(name, Keys.AsStored);
    }

    [Theory, MemberData(nameof(Cases))]
    public void KeysMayHaveThePrefixOrNot(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        Check(name, Keys.WithPrefix);
        Check(name, Keys.WithoutPrefix);
    }

    static void Check(string name, Keys keys)
    {
        const string prefix = "text_model.", projection = "text_projection.";
        using var fixture = new ModelFixture();
        using var stored = DiffusersFolder.Open(GoldenFolder.At("text", name)).OpenWeights();
        using var source = new RenamedTensors(stored, key => keys switch
        {
            Keys.WithPrefix when !key.StartsWith(prefix, StringComparison.Ordinal) && !key.StartsWith(projection, StringComparison.Ordinal) => prefix + key,
            Keys.WithoutPrefix when key.StartsWith(prefix, StringComparison.Ordinal) => key[prefix.Length..],
            _ => key,
        }, keys == Keys.WithoutPrefix ? "embeddings.position_ids" : prefix + "embeddings.position_ids");
        using var model = ClipTextModel.Load(fixture.Backend, JsonConfig.Load(GoldenFolder.At("text", name, "config.json")), source);
        using var io = GoldenTensors.Open(GoldenFolder.At("text", name, "io.safetensors"));
        var ids = Array.ConvertAll(io.Integers("input_ids"), id => checked((int)id));
        var batch = io["input_ids"].Shape[0];
        // fp32 sums in another order than the reference's: 1e-4 of the largest value, the golden files' own bound (the default of AssertClose).
        for (var skip = 0; skip <= (keys == Keys.AsStored ? model.Config.HiddenLayers : 0); skip++)
        {
            using var scope = fixture.Pass.Scratch();
            var output = model.Forward(fixture.Pass, ids, batch, skip, finalLayerNorm: false, pooled: true);
            GoldenTensors.AssertClose(io[$"hidden.{model.Config.HiddenLayers - skip}"], fixture.Download(output.HiddenState));
            GoldenTensors.AssertClose(io["pooled"], fixture.Download(output.Pooled!.Value));
        }
        var last = model.Forward(fixture.Pass, ids, batch);
        Assert.Null(last.Pooled);
        GoldenTensors.AssertClose(io["last_hidden_state"], fixture.Download(last.HiddenState));
    }
}
