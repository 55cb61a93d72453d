using PeaEngine.Diffusion.Adapters;
using PeaEngine.Formats;
using PeaEngine.Tests.Ops;
using PeaEngine.Train.Data;
using PeaEngine.Train.Distillation;
using PeaEngine.Train.Optimizers;
using PeaEngine.Train.Targets;

namespace PeaEngine.Tests.Train;

/// <summary>The loss of the text-only start and its gradients, with a small adapter: 5 channels, 6 hidden ones, 4 pooled, 3 of the sequence.</summary>
public sealed class TextRegressionTests : IDisposable
{
    const int Rows = 3, Tokens = 2, Channels = 5;

    static readonly (string Name, long[] Shape)[] Pooling =
        [("fc.bias", [3]), ("fc.weight", [3, 4]), ("layernorm.bias", [5]), ("layernorm.weight", [5]), ("projector.0.weight", [6, 5]), ("projector.2.weight", [4, 6])];

    static readonly TextVariance Variance = new(0.8, 0.3);

    readonly TemporaryFolder folder = new();
    readonly Backend backend = Device.Open("cpu", 2);

    public void Dispose()
    {
        backend.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void TheGradientsAreTheDifferencesOfTheLoss()
    {
        var weights = Weights(Pooling);
        using var adapter = Load(Pooling, weights);
        using var target = new AdapterTarget(backend, adapter);
        using var regression = new TextRegression(backend, adapter, target.Gradients);
        var batch = Batch(pooled: 4);
        var loss = regression.Accumulate(batch, Variance);
        var expected = Loss(weights, batch);
        Assert.Equal(expected.Sequence, loss.Sequence, 1e-5);
        Assert.Equal(expected.Pooled, loss.Pooled, 1e-5);
        Assert.Equal(loss.Sequence + loss.Pooled, loss.Total);
        // In F32 against differences in double.
        foreach (var (name, _) in Pooling)
            GoldenTensors.AssertClose(name, [.. Differences(name).Select(value => (float)value)], Gradient(target, name), 1e-4);
        // Another batch adds its own.
        var once = Gradient(target, "fc.weight");
        regression.Accumulate(batch, Variance);
        GoldenTensors.AssertClose("twice", [.. once.Select(value => 2 * value)], Gradient(target, "fc.weight"), 1e-6);

        double[] Differences(string name) => FiniteDifferences.Of(values => Loss(new(weights) { [name] = values }, batch).Total, weights[name]);
    }

    [Fact]
    public void AnAdapterThatDoesNotPoolIsRegressedOnTheSequenceAlone()
    {
        (string, long[])[] shapes = [("layernorm.bias", [5]), ("layernorm.weight", [5]), ("projector.0.weight", [6, 5]), ("projector.2.weight", [3, 6])];
        using var adapter = Load(shapes, Weights(shapes));
        using var target = new AdapterTarget(backend, adapter);
        using var regression = new TextRegression(backend, adapter, target.Gradients);
        var loss = regression.Accumulate(Batch(pooled: 0), new(0.8, 0));
        Assert.True(loss.Sequence > 0);
        Assert.Equal(0, loss.Pooled);
        Assert.Contains(Gradient(target, "projector.0.weight"), value => value != 0);
    }

    /// <summary>Eighty steps over one batch take nearly all of the loss away.</summary>
    [Fact]
    public void TheLossFalls()
    {
        using var adapter = Load(Pooling, Weights(Pooling));
        using var target = new AdapterTarget(backend, adapter);
        using var regression = new TextRegression(backend, adapter, target.Gradients);
        using var optimizer = new Optimizer(backend, target.Parameters, new(new LearningRate(LearningRateSchedule.Cosine, 0.05, 0, 1, 0, 80)));
        var batch = Batch(pooled: 4);
        var first = regression.Accumulate(batch, Variance).Total;
        optimizer.Step(first);
        var last = first;
        for (var step = 1; step < 80; step++) optimizer.Step(last = regression.Accumulate(batch, Variance).Total);
        Assert.InRange(last, 0, first / 10);
    }

    [Fact]
    public void TheVarianceIsTheErrorOfTheMeanEmbedding()
    {
        var statistics = new TextStatistics(new(4, 8, Tokens, 3, 4, Tokens, Channels));
        var batches = Enumerable.Range(0, 3).Select(seed => Batch(4, seed)).ToList();
        foreach (var batch in batches) statistics.Add(batch);
        Assert.Equal(9, statistics.Count);
        Assert.Equal(ErrorOfTheMean(batch => batch.TeacherSequence), statistics.Variance.Sequence, 1e-9);
        Assert.Equal(ErrorOfTheMean(batch => batch.TeacherPooled), statistics.Variance.Pooled, 1e-9);

        double ErrorOfTheMean(Func<TextBatch, float[]> values)
        {
            var rows = batches.SelectMany(batch => values(batch).Chunk(values(batch).Length / Rows)).ToList();
            var means = Enumerable.Range(0, rows[0].Length).Select(i => rows.Average(row => (double)row[i])).ToArray();
            return rows.SelectMany(row => row.Select((value, i) => (value - means[i]) * (value - means[i]))).Average();
        }
    }

    /// <summary>What goes through the norm that captions give has mean 0 and variance 1 in every channel.</summary>
    [Fact]
    public void TheNormTakesAwayWhatCaptionsHaveInCommon()
    {
        var statistics = new TextStatistics(new(4, 8, Tokens, 3, 4, Tokens, Channels));
        var batch = Batch(pooled: 4);
        for (var i = 0; i < batch.StudentHidden.Length; i++) batch.StudentHidden[i] = batch.StudentHidden[i] * 0.2f + i % Channels;
        statistics.Add(batch);
        var (weight, bias) = statistics.Norm();
        var rows = batch.StudentHidden.Chunk(Channels)
            .Select(row => Norm([.. row.Select(value => (double)value)], [.. weight.Select(value => (double)value)], [.. bias.Select(value => (double)value)])).ToList();
        for (var i = 0; i < Channels; i++)
        {
            Assert.Equal(0, rows.Average(row => row[i]), 1e-4);
            Assert.Equal(1, rows.Average(row => row[i] * row[i]), 1e-2);
        }
    }

    /// <summary>The definition, in double: layernorm, projector with GELU between, mean over tokens, fc of the GELU.</summary>
    static TextLoss Loss(Dictionary<string, double[]> weights, TextBatch batch)
    {
        double sequence = 0, pooled = 0;
        for (var row = 0; row < Rows; row++)
        {
            var mean = new double[4];
            for (var token = 0; token < Tokens; token++)
            {
                var at = row * Tokens + token;
                var x = Norm(batch.StudentHidden.Skip(at * Channels).Take(Channels).Select(value => (double)value).ToArray(), weights["layernorm.weight"], weights["layernorm.bias"]);
                var y = Times(weights["projector.2.weight"], [.. Times(weights["projector.0.weight"], x).Select(Gelu)]);
                for (var i = 0; i < 4; i++) mean[i] += y[i] / Tokens;
                var z = Times(weights["fc.weight"], [.. y.Select(Gelu)]);
                for (var i = 0; i < 3; i++) sequence += Square(z[i] + weights["fc.bias"][i] - batch.TeacherSequence[at * 3 + i]);
            }
            for (var i = 0; i < 4; i++) pooled += Square(mean[i] - batch.TeacherPooled[row * 4 + i]);
        }
        return new(sequence / (Rows * Tokens * 3) / Variance.Sequence, pooled / (Rows * 4) / Variance.Pooled);
    }

    static double[] Norm(double[] x, double[] gamma, double[] beta)
    {
        var mean = x.Average();
        var scale = 1 / Math.Sqrt(x.Average(value => Square(value - mean)) + 1e-5);
        return [.. x.Select((value, i) => (value - mean) * scale * gamma[i] + beta[i])];
    }

    static double[] Times(double[] matrix, double[] x) => [.. matrix.Chunk(x.Length).Select(row => row.Zip(x, (a, b) => a * b).Sum())];

    static double Gelu(double x) => Reference.Activate(x, Activation.Gelu);

    static double Square(double x) => x * x;

    static TextBatch Batch(int pooled, int seed = 0)
    {
        var batch = new TextBatch(Rows, new(4, 8, Tokens, 3, pooled, Tokens, Channels), new());
        var random = new Random(seed);
        foreach (var values in (float[][])[batch.StudentHidden, batch.TeacherSequence, batch.TeacherPooled])
            for (var i = 0; i < values.Length; i++) values[i] = random.NextSingle() * 2 - 1;
        return batch;
    }

    static Dictionary<string, double[]> Weights(IEnumerable<(string Name, long[] Shape)> shapes)
    {
        var random = new Random(7);
        // Numbers that a float holds, so that both sides begin with the same.
        return shapes.ToDictionary(entry => entry.Name, entry => Enumerable.Range(0, (int)entry.Shape.Aggregate(1L, (a, b) => a * b)).Select(_ => (double)(random.NextSingle() * 2 - 1)).ToArray());
    }

    PeaAdapter Load(IEnumerable<(string Name, long[] Shape)> shapes, Dictionary<string, double[]> weights)
    {
        SafetensorsWriter.Write(folder.At("adapter.safetensors"), shapes.Select(entry => TensorContent.FromSingles(entry.Name, entry.Shape, weights[entry.Name].Select(value => (float)value).ToArray())));
        return PeaAdapter.Load(folder.At("adapter.safetensors"), backend, DType.F32);
    }

    float[] Gradient(AdapterTarget target, string name)
    {
        var gradient = target.Parameters.Single(parameter => parameter.Name == name).Gradient;
        var values = new float[gradient.Elements];
        backend.Download(gradient, values);
        return values;
    }
}
