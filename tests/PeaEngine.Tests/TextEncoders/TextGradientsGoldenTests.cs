using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.TextEncoders;

/// <summary>
/// The gradients of every text encoder of <c>golden/text</c> with respect to every weight: where the folder has them, of what it says; for all, of a
/// weighted sum of the last hidden state and of CLIP's pooled embedding, against differences.
/// </summary>
public class TextGradientsGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("text", name => File.Exists(GoldenFolder.At("text", name, "config.json")));

    public static TheoryData<string> TrainedCases => GoldenFolder.Cases("text", name => File.Exists(GoldenFolder.At("text", name, "grad_parameters.safetensors")));

    [Theory, MemberData(nameof(TrainedCases))]
    public void AreTheReferences(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var inputs = new TextInputs(name);
        using var fixture = new ModelFixture();
        using var model = StudentFiles.Find(GoldenFolder.At("text", name)).Load(fixture.Backend, out _, out _);
        using var expected = GoldenTensors.Open(GoldenFolder.At("text", name, "grad_parameters.safetensors"));
        using var gradients = Track(fixture, model);
        var p = fixture.Saving(gradients);
        if (inputs.Io.Has("cat.grad_weight"))
        {
            // The penultimate hidden state, then the pooled embedding.
            var clip = Assert.IsType<ClipTextModel>(model);
            var weight = inputs.Io["cat.grad_weight"].Values;
            var output = clip.Forward(p, inputs.Ids, inputs.Batch, skipLayers: 1, finalLayerNorm: false, pooled: true);
            var states = (int)output.HiddenState.Elements;
            GoldenTensors.AssertClose(inputs.Io["pooled"], fixture.Download(output.Pooled!.Value));
            clip.Backward(p, fixture.Upload(output.HiddenState.Shape, weight.AsSpan(0, states)), fixture.Upload(output.Pooled.Value.Shape, weight.AsSpan(states)), skipLayers: 1, finalLayerNorm: false);
        }
        else
        {
            GoldenTensors.AssertClose(inputs.Io["last_hidden_state"], fixture.Download(model.Forward(p, inputs.Ids, inputs.Mask, inputs.Batch)));
            model.Backward(p, fixture.Upload(inputs.Io["last.grad_weight"]));
        }
        Assert.Equal(0, p.Saved!.Count);
        ParameterGradients.AssertClose(expected, fixture, model.Parameters, gradients);
    }

    [Theory, MemberData(nameof(Cases))]
    public void AreWhatDifferencesGive(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var inputs = new TextInputs(name);
        using var fixture = new ModelFixture();
        using var model = StudentFiles.Find(GoldenFolder.At("text", name)).Load(fixture.Backend, out _, out _);
        using var gradients = Track(fixture, model);
        var p = fixture.Saving(gradients);
        var (state, pooled) = Forward(p);
        float[] weight = [.. Enumerable.Range(0, (int)state.Elements).Select(i => MathF.Sin(i * 0.7f))];
        var dState = fixture.Upload(state.Shape, weight);
        if (model is ClipTextModel trained) trained.Backward(p, dState, fixture.Upload(pooled!.Value.Shape, weight.AsSpan(0, (int)pooled.Value.Elements)));
        else model.Backward(p, dState);
        Assert.Equal(0, p.Saved!.Count);
        // Some thousands of values of about one, each with an error of the order of 1e-7.
        WeightDifferences.AssertMatch(fixture, model.Parameters, gradients, Loss, rounding: 6e-6);

        double Loss()
        {
            using var scope = fixture.Pass.Scratch();
            var (state, pooled) = Forward(fixture.Pass);
            return Weighted(state) + (pooled is { } embedding ? Weighted(embedding) : 0);
        }

        double Weighted(Tensor tensor) => fixture.Download(tensor).Zip(weight, (value, factor) => (double)value * factor).Sum();

        (Tensor State, Tensor? Pooled) Forward(Pass p) => model is ClipTextModel clip && clip.Forward(p, inputs.Ids, inputs.Batch, pooled: true) is var output
            ? (output.HiddenState, output.Pooled)
            : (model.Forward(p, inputs.Ids, inputs.Mask, inputs.Batch), null);
    }

    static Gradients Track(ModelFixture fixture, IStudentModel model)
    {
        var gradients = new Gradients(fixture.Backend);
        foreach (var parameter in model.Parameters.Values) gradients.Track(parameter);
        return gradients;
    }
}
