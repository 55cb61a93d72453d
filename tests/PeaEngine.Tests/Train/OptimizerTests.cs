using PeaEngine.Backends;
using PeaEngine.Formats;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

public sealed class OptimizerTests : IDisposable
{
    static readonly Shape[] Shapes = [[3, 5], [7], [2, 3, 4]];

    static readonly OptimizerOptions Options = new(new(LearningRateSchedule.Polynomial, 0.05, 0.01, 1, 2, 12)) { Beta2 = 0.99, WeightDecay = 0.1, MaxGradNorm = 1.5, EmaDecay = 0.8 };

    readonly CpuBackend backend = new(2);
    readonly List<Storage> storages = [];

    public void Dispose()
    {
        foreach (var storage in storages) storage.Dispose();
        backend.Dispose();
    }

    /// <summary>Everything in double: the norm over all tensors, torch's clip factor, AdamW, and the average behind it.</summary>
    [Fact]
    public void FollowsAPlainImplementationInDouble()
    {
        var parameters = Parameters();
        using var optimizer = new Optimizer(backend, parameters, Options);
        double[][] p = [.. parameters.Select(parameter => Read(parameter.Value))], average = [.. p.Select(values => values.ToArray())];
        double[][] m = [.. p.Select(values => new double[values.Length])], v = [.. p.Select(values => new double[values.Length])];
        var clipped = 0;
        for (var s = 0; s < 12; s++)
        {
            var g = SetGradients(parameters, s, s % 3 == 0 ? 2 : 0.1);
            var norm = Math.Sqrt(g.Sum(values => values.Sum(value => value * value)));
            var factor = Math.Min(1, 1.5 / (norm + 1e-6));
            if (factor < 1) clipped++;
            var rate = s < 2 ? 0.05 * s / 2 : 0.01 + 0.04 * (1 - (s - 2) / 10.0);
            for (var i = 0; i < p.Length; i++)
                for (var j = 0; j < p[i].Length; j++)
                {
                    m[i][j] = 0.9 * m[i][j] + 0.1 * g[i][j] * factor;
                    v[i][j] = 0.99 * v[i][j] + 0.01 * g[i][j] * factor * g[i][j] * factor;
                    p[i][j] = p[i][j] * (1 - rate * 0.1) - rate * m[i][j] / (1 - Math.Pow(0.9, s + 1)) / (Math.Sqrt(v[i][j] / (1 - Math.Pow(0.99, s + 1))) + 1e-8);
                    average[i][j] = 0.8 * average[i][j] + 0.2 * p[i][j];
                }
            var step = optimizer.Step(1);
            Assert.Equal(s, step.Step);
            Assert.True(step.IsApplied);
            Assert.Equal(rate, step.LearningRate, 1e-12);
            Assert.Equal(norm, step.GradientNorm, norm * 1e-6);
            Assert.All(parameters, parameter => Assert.All(Read(parameter.Gradient), value => Assert.Equal(0, value)));
        }
        Assert.InRange(clipped, 1, 11);
        var averages = optimizer.Averages.ToArray();
        for (var i = 0; i < p.Length; i++)
            for (var j = 0; j < p[i].Length; j++)
            {
                Assert.Equal(p[i][j], Read(parameters[i].Value)[j], 1e-5);
                Assert.Equal(average[i][j], Read(averages[i].Value)[j], 1e-5);
            }
    }

    [Theory]
    [InlineData(double.NaN, 0.5f)]
    [InlineData(double.PositiveInfinity, 0.5f)]
    [InlineData(1, float.NaN)]
    [InlineData(1, float.NegativeInfinity)]
    public void AStepThatIsNotFiniteMovesNothingButTheSchedule(double loss, float gradient)
    {
        var parameters = Parameters();
        using var optimizer = new Optimizer(backend, parameters, Options);
        SetGradients(parameters, 0);
        optimizer.Step(1);
        var before = State(optimizer, without: "optimizer.counters");
        SetGradients(parameters, 1);
        parameters[1].Gradient.AsSpan<float>()[3] = gradient;
        var skipped = optimizer.Step(loss);
        Assert.False(skipped.IsApplied);
        Assert.Equal(0.025, skipped.LearningRate, 1e-12);
        Assert.Equal(before, State(optimizer, without: "optimizer.counters"));
        Assert.Equal((2, 1, 1), (optimizer.Steps, optimizer.Applied, optimizer.Skipped));
        SetGradients(parameters, 2);
        var next = optimizer.Step(1);
        Assert.Equal((2, 0.05, true), (next.Step, next.LearningRate, next.IsApplied));
        Assert.NotEqual(before, State(optimizer, without: "optimizer.counters"));
    }

    /// <summary>Gradients that come multiplied by the scale move the parameters as if it were not there: to the bit, since it is a power of two.</summary>
    [Fact]
    public void AScaledLossLeavesNoTrace()
    {
        TrainedParameter[] plain = Parameters(), scaled = Parameters();
        using Optimizer one = new(backend, plain, Options), other = new(backend, scaled, Options with { ScalesLoss = true });
        for (var s = 0; s < 4; s++)
        {
            SetGradients(plain, s);
            SetGradients(scaled, s, scale: other.LossScale);
            var (expected, actual) = (one.Step(1), other.Step(1));
            Assert.Equal(expected with { LossScale = 65536 }, actual);
        }
        Assert.Equal(State(one), State(other, without: "optimizer.loss_scale"));
    }

    /// <summary>2¹⁶ at first, halved by a step that is not finite, doubled after 2,000 that are; a run that goes on has the same.</summary>
    [Fact]
    public void TheLossScaleGoesDownAtOnceAndUpSlowly()
    {
        using var folder = new TemporaryFolder();
        var parameters = Parameters();
        var options = Options with { ScalesLoss = true };
        using var optimizer = new Optimizer(backend, parameters, options);
        Assert.Equal(65536, optimizer.LossScale);
        for (var s = 0; s < 3; s++)
        {
            parameters[0].Gradient.AsSpan<float>()[1] = float.PositiveInfinity;
            var step = optimizer.Step(1);
            Assert.Equal((false, 65536 >> s), (step.IsApplied, (int)step.LossScale!.Value));
        }
        Assert.Equal((8192, 3, 0), (optimizer.LossScale, optimizer.Skipped, optimizer.Applied));
        for (var s = 0; s < 1999; s++) optimizer.Step(1);
        Assert.Equal(8192, optimizer.LossScale);
        SafetensorsWriter.Write(folder.At("state.safetensors"), optimizer.State());
        using var resumed = new Optimizer(backend, Parameters(), options);
        using (var file = SafetensorsFile.Open(folder.At("state.safetensors"))) resumed.Load(file);
        foreach (var one in (Optimizer[])[optimizer, resumed])
        {
            Assert.Equal(8192, one.Step(1).LossScale);
            Assert.Equal(16384, one.LossScale);
        }
    }

    [Fact]
    public void TwentyInARowAreAnErrorAndNineteenAreNot()
    {
        var parameters = Parameters();
        using var optimizer = new Optimizer(backend, parameters, Options);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 19; i++) optimizer.Step(double.NaN);
            Assert.True(optimizer.Step(1).IsApplied);
        }
        for (var i = 0; i < 19; i++) optimizer.Step(double.NaN);
        Assert.Equal("step 60: loss NaN, gradient norm 0; 20 steps in a row that are not finite, expected finite ones: the learning rate may be too high",
            Assert.Throws<PeaException>(() => optimizer.Step(double.NaN)).Message);
    }

    [Fact]
    public void GoesOnFromAFileToTheBit()
    {
        using var folder = new TemporaryFolder();
        var parameters = Parameters();
        using var whole = new Optimizer(backend, parameters, Options);
        for (var s = 0; s < 8; s++)
        {
            if (s == 5) SafetensorsWriter.Write(folder.At("state.safetensors"), whole.State());
            SetGradients(parameters, s);
            whole.Step(s == 4 ? double.NaN : 1);
        }
        var others = Parameters();
        using var resumed = new Optimizer(backend, others, Options);
        foreach (var parameter in others) parameter.Value.AsSpan<float>().Fill(9);
        using (var file = SafetensorsFile.Open(folder.At("state.safetensors"))) resumed.Load(file);
        for (var s = 5; s < 8; s++)
        {
            SetGradients(others, s);
            resumed.Step(1);
        }
        Assert.Equal(State(whole), State(resumed));
        Assert.Equal((8, 7), (resumed.Steps, resumed.Applied));
    }

    [Fact]
    public void RefusesAStateOfAnotherModel()
    {
        using var folder = new TemporaryFolder();
        var path = folder.At("state.safetensors");
        using var optimizer = new Optimizer(backend, Parameters(), Options);
        SafetensorsWriter.Write(path, optimizer.State().Where(tensor => tensor.Info.Name != "optimizer.m.1"));
        using (var file = SafetensorsFile.Open(path))
            Assert.Equal($"{path}: no tensor 'optimizer.m.1', expected one of [7] F32", Assert.Throws<PeaException>(() => optimizer.Load(file)).Message);
        SafetensorsWriter.Write(path, optimizer.State().Select(tensor => tensor.Info.Name == "ema.2" ? TensorContent.FromSingles("ema.2", [4, 6], new float[24]) : tensor));
        using (var file = SafetensorsFile.Open(path))
            Assert.Equal($"{path}: tensor 'ema.2' is [4,6] F32, expected [2,3,4] F32", Assert.Throws<PeaException>(() => optimizer.Load(file)).Message);
        SafetensorsWriter.Write(path, [TensorContent.FromSingles("optimizer.counters", [3], new float[3])]);
        using (var file = SafetensorsFile.Open(path))
            Assert.Equal($"{path}: no tensor 'optimizer.counters' [3] I64, expected an optimiser's state", Assert.Throws<PeaException>(() => optimizer.Load(file)).Message);
    }

    [Fact]
    public void AStepAllocatesNothing()
    {
        var parameters = Parameters();
        using var optimizer = new Optimizer(backend, parameters, Options);
        optimizer.Step(1);
        long allocated = 1;
        for (var attempt = 0; attempt < 5 && allocated != 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            optimizer.Step(1);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    TrainedParameter[] Parameters()
    {
        var random = new Random(1);
        return [.. Shapes.Select((shape, i) => new TrainedParameter($"{i}", New(shape, random), New(shape, null)))];
    }

    Tensor New(Shape shape, Random? random)
    {
        storages.Add(backend.Allocate(shape.Elements * sizeof(float)));
        var tensor = new Tensor(storages[^1], 0, shape, DType.F32);
        foreach (ref var value in tensor.AsSpan<float>()) value = random == null ? 0 : random.NextSingle() * 2 - 1;
        return tensor;
    }

    static double[][] SetGradients(TrainedParameter[] parameters, int step, double deviation = 1, double scale = 1)
    {
        var random = new Random(100 + step);
        foreach (var parameter in parameters)
            foreach (ref var value in parameter.Gradient.AsSpan<float>()) value = (float)(scale * (float)((random.NextDouble() * 2 - 1) * deviation));
        return [.. parameters.Select(parameter => Read(parameter.Gradient))];
    }

    static double[] Read(Tensor tensor) => [.. tensor.AsSpan<float>().ToArray().Select(value => (double)value)];

    static List<(string, string)> State(Optimizer optimizer, string? without = null) =>
    [
        .. optimizer.State().Where(tensor => tensor.Info.Name != without).Select(tensor =>
        {
            var bytes = new byte[tensor.Info.Bytes];
            tensor.Read(0, bytes);
            return (tensor.Info.Name, Convert.ToHexString(bytes));
        }),
    ];
}
