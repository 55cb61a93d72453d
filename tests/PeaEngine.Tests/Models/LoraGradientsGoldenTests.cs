namespace PeaEngine.Tests.Models;

/// <summary>
/// The gradients of LoRAs on every attention of a UNet, against what follows from the golden gradients of the weights: scale · dW · downᵀ and
/// scale · upᵀ · dW. They are the same bits where blocks are computed again.
/// </summary>
public class LoraGradientsGoldenTests
{
    const int Rank = 3;
    const float Scale = 0.5f;

    public static TheoryData<string> Cases => UNetGradientsGoldenTests.TrainedCases;

    [Theory, MemberData(nameof(Cases))]
    public void FollowFromTheWeights(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var expected = GoldenTensors.Open(GoldenFolder.At("unet", name, "grad_parameters.safetensors"));
        var gradients = Run(name, recomputes: false);
        var again = Run(name, recomputes: true);
        Assert.NotEmpty(gradients);
        foreach (var (key, (down, up, dDown, dUp)) in gradients)
        {
            var golden = expected[key];
            double[] products = Array.ConvertAll(golden.Values, value => (double)value);
            int outputs = golden.Shape[0], inputs = golden.Shape[1];
            double[] wantedDown = new double[down.Length], wantedUp = new double[up.Length];
            for (var o = 0; o < outputs; o++)
                for (var i = 0; i < inputs; i++)
                    for (var r = 0; r < Rank; r++)
                    {
                        wantedUp[o * Rank + r] += Scale * products[o * inputs + i] * down[r * inputs + i];
                        wantedDown[r * inputs + i] += Scale * products[o * inputs + i] * up[o * Rank + r];
                    }
            // Sums in another order than the reference's: 1e-4 of the largest value, the golden files' own bound.
            GoldenTensors.AssertClose(key + " down", Array.ConvertAll(wantedDown, value => (float)value), dDown);
            GoldenTensors.AssertClose(key + " up", Array.ConvertAll(wantedUp, value => (float)value), dUp);
            Assert.Equal(dDown, again[key].DDown);
            Assert.Equal(dUp, again[key].DUp);
        }
    }

    /// <summary>Factors and their gradients of every projection. The factors are not added to the weights, so that the weights' gradients are the file's.</summary>
    static Dictionary<string, (float[] Down, float[] Up, float[] DDown, float[] DUp)> Run(string name, bool recomputes)
    {
        using var fixture = new ModelFixture();
        using var unet = ModelFiles.LoadUNet(fixture.Backend, name);
        using var io = GoldenTensors.Open(GoldenFolder.At("unet", name, "io.safetensors"));
        using var gradients = new Gradients(fixture.Backend);
        var random = new Random(1);
        var tracked = new Dictionary<string, (LowRank Added, Tensor DDown, Tensor DUp)>();
        foreach (var (key, weight) in unet.Weights.Where(pair => pair.Key.Contains(".attn", StringComparison.Ordinal)).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var added = new LowRank(Draw([Rank, weight.Value.Shape[1]]), Draw([weight.Value.Shape[0], Rank]), Scale);
            var (dDown, dUp) = gradients.Track(weight.Value, added);
            tracked.Add(key, (added, dDown, dUp));
        }
        UNetGradientsGoldenTests.Run(fixture, unet, io, "b", fixture.Pass.Saving(gradients, recomputes));
        return tracked.ToDictionary(pair => pair.Key, pair =>
            (fixture.Download(pair.Value.Added.Down), fixture.Download(pair.Value.Added.Up), fixture.Download(pair.Value.DDown), fixture.Download(pair.Value.DUp)));

        Tensor Draw(Shape shape)
        {
            var values = new float[shape.Elements];
            for (var i = 0; i < values.Length; i++) values[i] = (float)(2 * random.NextDouble() - 1);
            return fixture.Upload(shape, values);
        }
    }
}
