using PeaEngine.Backends;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Cuda;

/// <summary>What becomes in F16 of gradients as small as those of ten samples of 640²: half of F16's smallest number is 3e-8.</summary>
public class CudaLossScaleTests
{
    /// <summary>Elements of a sample's prediction, samples, and how far the student is from its teacher.</summary>
    const double Elements = 4 * 80 * 80, Samples = 10, Distance = 0.03;

    const int Height = 8, Channels = 32, Rows = Height * Height;

    /// <summary>Nothing is flushed with the scale that training begins with; without it, a good part of the gradients is, at the first op already.</summary>
    [NvrtcFact]
    public void WithTheScaleNothingIsFlushed()
    {
        using var cpu = new CpuBackend(2);
        using var gpu = new CudaBackend(CudaTestDevice.Open(), DType.F16);
        var expected = Backward(cpu, 1);
        Assert.InRange(expected[0].Average(Math.Abs), 1e-7, 3e-7);
        var (scaled, plain) = (Backward(gpu, LossScale.First), Backward(gpu, 1));
        for (var op = 0; op < expected.Count; op++)
        {
            Assert.Equal(0, Flushed(expected[op], scaled[op]));
            GoldenTensors.AssertClose($"gradient {op}", expected[op], [.. scaled[op].Select(value => value / LossScale.First)], Math.ScaleB(1, -9));
        }
        Assert.InRange((double)Flushed(expected[0], plain[0]) / expected[0].Length, 0.05, 1);
    }

    /// <summary>What is zero though it should not be. Numbers that are nothing beside the largest are rounding errors of sums.</summary>
    static int Flushed(float[] expected, float[] actual)
    {
        var largest = expected.Max(Math.Abs);
        return expected.Zip(actual).Count(pair => Math.Abs(pair.First) > 1e-5 * largest && pair.Second == 0);
    }

    /// <summary>The gradients behind an error, a convolution, a group norm, a product and a GEGLU.</summary>
    static List<float[]> Backward(Backend backend, double lossScale)
    {
        using var arena = new Arena(backend, 1 << 20);
        var p = new Pass(backend, arena);
        var random = new Random(3);
        Tensor Normal(Shape shape, double deviation, DType? type = null)
        {
            var tensor = p.New(shape, type);
            backend.Upload([.. Enumerable.Range(0, (int)shape.Elements).Select(_ => (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))], tensor);
            return tensor;
        }
        Shape image = [1, Height, Height, Channels];
        var found = new List<float[]>();
        Tensor Note(Tensor gradient)
        {
            var values = new float[gradient.Elements];
            backend.Download(gradient, values);
            found.Add(values);
            return gradient;
        }

        Tensor difference = Normal(image, Distance), zero = p.New(image), scale = p.New([1], DType.F32), dy = p.New(image), dConv = p.New(image), dNorm = p.New(image), dLinear = p.New(image);
        backend.Clear(zero);
        // The means are over more elements than there are here.
        backend.Upload([(float)(lossScale / Samples * image.Elements / Elements)], scale);
        backend.SquaredErrorBackward(difference, zero, scale, dy, add: false);
        Note(dy);
        backend.Conv2dBackward(dy, Normal([Channels, 3, 3, Channels], 1 / Math.Sqrt(9 * Channels), backend.ActivationType), dConv, new(Padding: 1));
        Note(dConv);
        Tensor gamma = Normal([Channels], 1, DType.F32), beta = Normal([Channels], 0.1, DType.F32);
        backend.GroupNormBackward(Normal(image, 1), gamma, beta, dConv, dNorm, 8, 1e-5f, silu: true);
        Note(dNorm);
        backend.LinearBackward(dNorm, Normal([Channels, Channels], 1 / Math.Sqrt(Channels), backend.ActivationType), dLinear);
        Note(dLinear);
        Tensor hidden = Normal([1, Rows, 2 * Channels], 1), dHidden = p.New([1, Rows, 2 * Channels]);
        backend.GateBackward(hidden, dLinear.Reshape([1, Rows, Channels]), dHidden, Activation.Gelu);
        Note(dHidden);
        return found;
    }
}
