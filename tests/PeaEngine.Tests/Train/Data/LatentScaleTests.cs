using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Randomness;
using PeaEngine.Train;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public class LatentScaleTests
{
    [Fact]
    public void ScalesMeansOrSamples()
    {
        var moments = new LatentMoments([1, 2, 3, 4, 5, 6], [0, -2, 2, 0, 0, float.NegativeInfinity]);
        var scale = new LatentScale([2, -1], [0, 10]);
        float[] mean = new float[6], sample = new float[6], noise = new float[6];
        scale.Apply(moments, LatentSampling.Mean, 3, 4, mean);
        Assert.Equal([2, 4, 6, 6, 5, 4], mean);
        scale.Apply(moments, LatentSampling.Sample, 3, 4, sample);
        new Philox(3, (uint)RandomStream.Latents, 4).Normals(noise);
        for (var i = 0; i < 6; i++) Assert.Equal(mean[i] + scale.Scale[i / 3] * Math.Exp(moments.LogVar[i] / 2) * noise[i], sample[i], 1e-5);
    }
}
