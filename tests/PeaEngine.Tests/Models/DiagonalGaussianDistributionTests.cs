using PeaEngine.Diffusion.Vae;
using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.Models;

/// <summary>The gradients of a sample: through the mean, and through the variance as far as its logarithm lies between −30 and 20.</summary>
public class DiagonalGaussianDistributionTests
{
    [Fact]
    public void SampleBackwardIsWhatDifferencesGive()
    {
        // Two pixels of three channels, of which each bound is passed by one.
        float[] moments = [0.5f, -1, 2, -2.5f, 21, 0.25f, 1, 0, -3, 19.5f, -31, 3], noise = [0.3f, -1.2f, 0.7f, 1.1f, 0.9f, -0.4f], weights = [1, -2e-3f, 0.5f, 1e-3f, 3, -1.5f];
        using var fixture = new ModelFixture(1 << 16);
        var latents = new DiagonalGaussianDistribution(fixture.Backend, fixture.Upload([1, 1, 2, 6], moments));
        var actual = fixture.Download(latents.SampleBackward(fixture.Pass, fixture.Upload([1, 1, 2, 3], noise), fixture.Upload([1, 1, 2, 3], weights)));
        var expected = FiniteDifferences.Of(Loss, Array.ConvertAll(moments, value => (double)value));
        for (var i = 0; i < actual.Length; i++)
            // Singles keep seven digits; the differences are of a loss of less than a hundred.
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-6 * (1 + Math.Abs(expected[i])), $"{i}: {actual[i]}, expected {expected[i]}");
        Assert.Equal((0f, 0f), (actual[4], actual[10]));

        double Loss(double[] at)
        {
            var sum = 0.0;
            for (var i = 0; i < noise.Length; i++)
            {
                var (mean, logVar) = (at[i / 3 * 6 + i % 3], Math.Clamp(at[i / 3 * 6 + 3 + i % 3], -30, 20));
                sum += weights[i] * (mean + Math.Exp(0.5 * logVar) * noise[i]);
            }
            return sum;
        }
    }

    [Fact]
    public void OtherShapesAreRefused()
    {
        using var fixture = new ModelFixture(1 << 16);
        var latents = new DiagonalGaussianDistribution(fixture.Backend, fixture.Upload([1, 1, 2, 6], new float[12]));
        Tensor fits = fixture.Upload([1, 1, 2, 3], new float[6]), other = fixture.Upload([1, 2, 1, 3], new float[6]);
        Assert.Contains("noise [1,2,1,3], expected [1,1,2,3]", Assert.Throws<PeaException>(() => latents.SampleBackward(fixture.Pass, other, fits)).Message, StringComparison.Ordinal);
        Assert.Contains("dSample [1,2,1,3], expected [1,1,2,3]", Assert.Throws<PeaException>(() => latents.SampleBackward(fixture.Pass, fits, other)).Message, StringComparison.Ordinal);
    }
}
