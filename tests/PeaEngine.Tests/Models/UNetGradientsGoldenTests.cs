using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Tests.Models;

/// <summary>
/// The gradients of every UNet of <c>golden/unet</c>, of <c>mean((output − target)²) + 0.1 · Σ mean((feature − target)²)</c>, with respect to its
/// inputs and, where the folder has them, to every weight.
/// </summary>
public class UNetGradientsGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("unet");

    public static TheoryData<string> TrainedCases => GoldenFolder.Cases("unet", name => File.Exists(GoldenFolder.At("unet", name, "grad_parameters.safetensors")));

    [Theory, MemberData(nameof(Cases))]
    public void OfInputs(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        foreach (var run in ModelFiles.Runs(io, "sample"))
        {
            using var scope = fixture.Pass.Scratch();
            Run(fixture, unet, io, run, fixture.Saving());
            fixture.Pass.Arena.ReleaseKept(0);
        }
    }

    /// <summary>Blocks that are computed again give the same bits, in less memory.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void OfRecomputedBlocksAreTheSame(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        (float[] Text, float[] Sample, long Peak)[] runs = [Run(recomputes: false), Run(recomputes: true)];
        Assert.Equal(runs[0].Text, runs[1].Text);
        Assert.Equal(runs[0].Sample, runs[1].Sample);
        Assert.True(runs[1].Peak < runs[0].Peak, $"{runs[1].Peak} bytes, {runs[0].Peak} without");

        (float[], float[], long) Run(bool recomputes)
        {
            using var fixture = new ModelFixture();
            using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
            using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
            var p = fixture.Pass.Saving(recomputes: recomputes);
            var (sample, timesteps, c) = ModelFiles.Inputs(fixture, unet, io, "a", p);
            Tensor text = fixture.Upload(io["a.encoder_hidden_states"]), dText = p.New(text.Shape), dSample = p.New(sample.Shape);
            var output = unet.Forward(p, sample, timesteps, c);
            unet.Backward(p, c, output, dSample: dSample);
            unet.ConditionBackward(p, c, text, dText);
            return (fixture.Download(dText), fixture.Download(dSample), p.Arena.PeakBytes);
        }
    }

    [Theory, MemberData(nameof(TrainedCases))]
    public void OfWeights(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        using var expected = GoldenTensors.Open(GoldenFolder.At("unet", name, "grad_parameters.safetensors"));
        using var gradients = new Gradients(fixture.Backend);
        foreach (var parameter in unet.Parameters.Values) gradients.Track(parameter);
        Run(fixture, unet, io, "b", fixture.Saving(gradients));
        ParameterGradients.AssertClose(expected, fixture, unet.Parameters, gradients);
    }

    [Theory, MemberData(nameof(TrainedCases))]
    public void OfSingleWeights(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var fixture = new ModelFixture();
        using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        using var gradients = new Gradients(fixture.Backend);
        foreach (var parameter in unet.Parameters.Values) gradients.Track(parameter);
        Run(fixture, unet, io, "b", fixture.Saving(gradients));
        fixture.Pass.Arena.ReleaseKept(0);
        // The loss is of the order of one.
        WeightDifferences.AssertMatch(fixture, unet.Parameters, gradients, () => Loss(fixture, unet, io, "b"), rounding: 7e-8);
    }

    static double Loss(ModelFixture fixture, UNet2DConditionModel unet, GoldenTensors io, string run)
    {
        using var scope = fixture.Pass.Scratch();
        var (sample, timesteps, c) = ModelFiles.Inputs(fixture, unet, io, run);
        var features = new UNetFeatures();
        var output = unet.Forward(fixture.Pass, sample, timesteps, c, features);
        var loss = MeanSquare(fixture, output, io[$"{run}.target"]) + 0.1 * features.Blocks.Sum(block => MeanSquare(fixture, block.Value, io[$"{run}.feature_target.{block.Key}"]));
        fixture.Pass.Arena.ReleaseKept(0);
        return loss;
    }

    static double MeanSquare(ModelFixture fixture, Tensor x, GoldenTensor target) =>
        fixture.Download(x).Zip(target.ChannelsLast(), (value, wanted) => ((double)value - wanted) * ((double)value - wanted)).Average();

    /// <summary>Forward and backward pass of a golden run; checks everything but the weights' gradients.</summary>
    internal static void Run(ModelFixture fixture, UNet2DConditionModel unet, GoldenTensors io, string run, Pass p)
    {
        var (sample, timesteps, c) = ModelFiles.Inputs(fixture, unet, io, run, p);
        var features = new UNetFeatures();
        var output = unet.Forward(p, sample, timesteps, c, features);
        fixture.AssertImage(io[$"{run}.output"], output);
        var dFeatures = UNetFeatures.Of(features.Blocks.Select(block => KeyValuePair.Create(block.Key, OfSquares(fixture, block.Value, io[$"{run}.feature_target.{block.Key}"], 0.1))));
        Tensor text = fixture.Upload(io[$"{run}.encoder_hidden_states"]), dText = p.New(text.Shape), dSample = p.New(sample.Shape);
        Tensor? dPooled = io.Has($"{run}.grad.text_embeds") ? p.New(Shape.Create(io[$"{run}.grad.text_embeds"].Shape)) : null;
        unet.Backward(p, c, OfSquares(fixture, output, io[$"{run}.target"], 1), dFeatures, dSample);
        unet.ConditionBackward(p, c, text, dText, dPooled);
        Assert.Equal(0, p.Saved!.Count);
        fixture.AssertImage(io[$"{run}.grad.sample"], dSample);
        GoldenTensors.AssertClose(io[$"{run}.grad.encoder_hidden_states"], fixture.Download(dText));
        if (dPooled is { } pooled) GoldenTensors.AssertClose(io[$"{run}.grad.text_embeds"], fixture.Download(pooled));
    }

    /// <summary>The gradient of weight · mean((x − target)²).</summary>
    static Tensor OfSquares(ModelFixture fixture, Tensor x, GoldenTensor target, double weight)
    {
        float[] values = fixture.Download(x), targets = target.ChannelsLast();
        for (var i = 0; i < values.Length; i++) values[i] = (float)(weight * 2 / values.Length * ((double)values[i] - targets[i]));
        return fixture.Upload(x.Shape, values);
    }
}
