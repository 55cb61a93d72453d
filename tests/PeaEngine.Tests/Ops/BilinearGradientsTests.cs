using PeaEngine.Backends;

namespace PeaEngine.Tests.Ops;

/// <summary>
/// The gradients of what is linear in each argument (products, convolutions, resizing, parts of tensors) against differences of the forward reference,
/// each argument moved by itself. The ops' own tests compare large shapes with sums.
/// </summary>
public class BilinearGradientsTests
{
    public static TheoryData<int, int, int> Products => new() { { 1, 1, 1 }, { 3, 5, 7 }, { 2, 9, 4 }, { 13, 3, 5 } };

    [Theory, MemberData(nameof(Products))]
    public void OfProducts(int m, int n, int k)
    {
        using var fenced = new Fenced(new CpuBackend(2));
        Tensor x = fenced.Normal([1, m, k]), weight = fenced.Normal([n, k]), dy = fenced.Normal([1, m, n]), dx = fenced.New(x.Shape), dWeight = fenced.New(weight.Shape);
        double Loss(double[] x, double[] w)
        {
            double loss = 0;
            for (var i = 0; i < m * n; i++)
                for (var c = 0; c < k; c++) loss += Fenced.Read(dy)[i] * x[i / n * k + c] * w[i % n * k + c];
            return loss;
        }
        fenced.Backend.LinearBackward(dy, weight, dx);
        fenced.Backend.Clear(dWeight);
        fenced.Backend.LinearWeightBackward(x, dy, dWeight);
        Agree(values => Loss(values, Fenced.Read(weight)), x, dx);
        Agree(values => Loss(Fenced.Read(x), values), weight, dWeight);
    }

    public static TheoryData<string> Convolutions => [.. SmallConvolutions.Select(shape => shape.ToString())];

    static IEnumerable<ConvCase> SmallConvolutions =>
    [
        new(1, 1, 1, 1, 1), new(2, 3, 5, 3, 2), new(1, 5, 4, 2, 3, Stride: 2), new(1, 5, 3, 2, 2, Stride: 2, Padding: 0), new(2, 3, 3, 5, 3, 1, Padding: 0, Below: 0), new(1, 4, 4, 2, 3, Padding: 0, Below: 0),
    ];

    [Theory, MemberData(nameof(Convolutions))]
    public void OfConvolutions(string name)
    {
        var shape = SmallConvolutions.Single(small => small.ToString() == name);
        using var fenced = new Fenced(new CpuBackend(2));
        var k = shape.Kernel;
        Tensor x = fenced.Normal([shape.Batch, shape.Height, shape.Width, shape.In]), weight = fenced.Normal([shape.Out, k, k, shape.In]);
        Tensor dy = fenced.Normal([shape.Batch, shape.OutHeight, shape.OutWidth, shape.Out]), dx = fenced.New(x.Shape), dWeight = fenced.New(weight.Shape);
        var d = Fenced.Read(dy);
        double Loss(double[] x, double[] w)
        {
            double loss = 0;
            shape.ForEachTap((output, input, tap) =>
            {
                for (var o = 0; o < shape.Out; o++)
                    for (var c = 0; c < shape.In; c++) loss += d[output * shape.Out + o] * x[input * shape.In + c] * w[(o * k * k + tap) * shape.In + c];
            });
            return loss;
        }
        fenced.Backend.Conv2dBackward(dy, weight, dx, shape.Geometry);
        fenced.Backend.Clear(dWeight);
        fenced.Backend.Conv2dWeightBackward(x, dy, dWeight, shape.Geometry);
        Agree(values => Loss(values, Fenced.Read(weight)), x, dx);
        Agree(values => Loss(Fenced.Read(x), values), weight, dWeight);
    }

    [Theory]
    [InlineData(1, 1, 3, 3)]
    [InlineData(3, 4, 7, 7)]
    [InlineData(4, 5, 8, 10)]
    [InlineData(3, 3, 3, 5)]
    public void OfResizing(int height, int width, int toHeight, int toWidth)
    {
        using var fenced = new Fenced(new CpuBackend(2));
        Tensor x = fenced.Normal([2, height, width, 3]), dy = fenced.Normal([2, toHeight, toWidth, 3]), dx = fenced.New(x.Shape);
        var d = Fenced.Read(dy);
        fenced.Backend.ResizeBackward(dy, dx);
        Agree(values => d.Select((value, i) => value * values[((i / 3 / toWidth / toHeight * height + i / 3 / toWidth % toHeight * height / toHeight) * width + i / 3 % toWidth * width / toWidth) * 3 + i % 3]).Sum(), x, dx);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 5, 2)]
    public void OfJoinedAndSummedTensors(int rows, int a, int b)
    {
        using var fenced = new Fenced(new CpuBackend(2));
        Tensor left = fenced.Normal([1, rows, a]), right = fenced.Normal([1, rows, b]), dy = fenced.Normal([1, rows, a + b]), dLeft = fenced.New(left.Shape), dRight = fenced.New(right.Shape);
        var d = Fenced.Read(dy);
        double Loss(double[] left, double[] right) => Enumerable.Range(0, d.Length).Sum(i => d[i] * (i % (a + b) is var column && column < a ? left[i / (a + b) * a + column] : right[i / (a + b) * b + column - a]));
        fenced.Backend.Split(dy, dLeft, dRight);
        Agree(values => Loss(values, Fenced.Read(right)), left, dLeft);
        Agree(values => Loss(Fenced.Read(left), values), right, dRight);

        // A bias, which every row has.
        Tensor bias = fenced.Normal([1, a + b]), dBias = fenced.New(bias.Shape);
        fenced.Backend.Clear(dBias);
        fenced.Backend.SumTokens(dy, dBias);
        Agree(values => d.Select((value, i) => value * values[i % (a + b)]).Sum(), bias, dBias);
    }

    /// <summary>Sums of a few products in single precision.</summary>
    static void Agree(Func<double[], double> loss, Tensor at, Tensor gradient)
    {
        double[] expected = FiniteDifferences.Of(loss, Fenced.Read(at)), actual = Fenced.Read(gradient);
        var bound = 2e-6 * Math.Max(1, expected.Max(Math.Abs));
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], bound);
    }
}
