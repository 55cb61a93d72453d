using PeaEngine.Formats;
using PeaEngine.Layers;
using PeaEngine.Tests.Ops;

namespace PeaEngine.Tests.Models;

/// <summary>A linear layer with a trained product added to its weight, against double precision and against differences of its loss.</summary>
public class LowRankTests
{
    // Sums of up to some hundred products in single precision.
    const double Tolerance = 3e-6;

    public static TheoryData<int, int, int, int, float> Shapes => new()
    {
        { 1, 1, 1, 1, 1 }, { 3, 5, 7, 1, 0.5f }, { 6, 33, 17, 4, -2 }, { 17, 12, 65, 16, 1 }, { 2, 3, 130, 5, 0.25f },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void GradientsOfBothFactorsAreTheLosss(int rows, int outputs, int inputs, int rank, float scale)
    {
        using var fixture = new ModelFixture(1 << 20);
        using var folder = new TemporaryFolder();
        var random = new Random(rows + outputs + inputs);
        float[] stored = Draw(outputs * inputs), x = Draw(rows * inputs), dy = Draw(rows * outputs), down = Draw(rank * inputs), up = Draw(outputs * rank);
        SafetensorsWriter.Write(folder.At("w.safetensors"), [TensorContent.FromSingles("weight", [outputs, inputs], stored)]);
        using var source = SafetensorsFile.Open(folder.At("w.safetensors"));
        WeightStore? store = null;
        var linear = WeightStore.Load(fixture.Backend, source, taken =>
        {
            store = taken;
            return new Linear(taken.Root, inputs, outputs, bias: false);
        });
        using var weights = store!;
        var weight = weights.Weights["weight"];
        var added = new LowRank(fixture.Upload([rank, inputs], down), fixture.Upload([outputs, rank], up), scale);
        added.AddTo(fixture.Pass, weight.Widen(fixture.Backend));
        using var gradients = new Gradients(fixture.Backend);
        var (dDown, dUp) = gradients.Track(weight.Value, added);
        var p = fixture.Saving(gradients);

        Assert.True(linear.IsTrained(p));
        Tensor input = fixture.Upload([1, rows, inputs], x), gradient = fixture.Upload([1, rows, outputs], dy);
        var before = fixture.Pass.Arena.ScratchBytes;
        linear.Train(p, input, gradient);
        Assert.Equal(before, fixture.Pass.Arena.ScratchBytes);

        AssertClose(Sum([.. down.Select(value => (double)value)], [.. up.Select(value => (double)value)]), fixture.Download(weight.Value));
        AssertClose(FiniteDifferences.Of(moved => Loss(moved, ToDoubles(up)), ToDoubles(down)), fixture.Download(dDown));
        AssertClose(FiniteDifferences.Of(moved => Loss(ToDoubles(down), moved), ToDoubles(up)), fixture.Download(dUp));
        // Teacher's and student's weight in turn: the product's gradients belong to the sum alone.
        weight.Narrow();
        Assert.False(linear.IsTrained(p));
        linear.Train(p, input, gradient);
        Assert.Equal(stored, fixture.Download(weight.Value));
        AssertClose(FiniteDifferences.Of(moved => Loss(ToDoubles(down), moved), ToDoubles(up)), fixture.Download(dUp));

        double[] Sum(double[] factorDown, double[] factorUp)
        {
            var sum = ToDoubles(stored);
            for (var o = 0; o < outputs; o++)
                for (var r = 0; r < rank; r++)
                    for (var i = 0; i < inputs; i++) sum[o * inputs + i] += scale * factorUp[o * rank + r] * factorDown[r * inputs + i];
            return sum;
        }

        double Loss(double[] factorDown, double[] factorUp)
        {
            var (sum, loss) = (Sum(factorDown, factorUp), 0.0);
            for (var row = 0; row < rows; row++)
                for (var o = 0; o < outputs; o++)
                    for (var i = 0; i < inputs; i++) loss += dy[row * outputs + o] * x[row * inputs + i] * sum[o * inputs + i];
            return loss;
        }

        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(2 * random.NextDouble() - 1))];
    }

    [Fact]
    public void WhatIsTrackedTwiceIsRefused()
    {
        using var fixture = new ModelFixture(1 << 16);
        using var gradients = new Gradients(fixture.Backend);
        Tensor matrix = fixture.Pass.New([2, 3]), other = fixture.Pass.New([2, 3]);
        LowRank First() => new(fixture.Pass.New([1, 3]), fixture.Pass.New([2, 1]), 1);
        gradients.Track(matrix, First());
        gradients.Track(other);
        Assert.Throws<PeaException>(() => gradients.Track(matrix, First()));
        Assert.Throws<PeaException>(() => gradients.Track(other, First()));
        Assert.Null(gradients.Of(matrix));
        Assert.Null(gradients.FactorsOf(other));
    }

    static double[] ToDoubles(float[] values) => Array.ConvertAll(values, value => (double)value);

    static void AssertClose(double[] expected, float[] actual)
    {
        var worst = expected.Zip(actual).Max(pair => Math.Abs(pair.First - pair.Second));
        Assert.True(worst <= Tolerance * expected.Max(Math.Abs), $"{worst:g3} of {expected.Max(Math.Abs):g3}");
    }
}
