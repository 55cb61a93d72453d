namespace PeaEngine.Tests.Ops;

public class Conv2dWeightBackwardTests : OpTests<Conv2dWeightBackwardTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases => from shape in ConvCase.All select Case(shape);

    // Sums of up to 24,864 products in single precision, added block by block.
    internal static OpCase Case(ConvCase shape) => new($"{shape}", 5e-6, fenced =>
    {
        int k = shape.Kernel;
        Tensor x = fenced.Normal([shape.Batch, shape.Height, shape.Width, shape.In]), dy = fenced.Normal([shape.Batch, shape.OutHeight, shape.OutWidth, shape.Out]);
        var dWeight = fenced.Normal([shape.Out, k, k, shape.In]);
        double[] a = Fenced.Read(x), g = Fenced.Read(dy), expected = Fenced.Read(dWeight);
        shape.ForEachTap((output, input, tap) =>
        {
            for (var o = 0; o < shape.Out; o++)
                for (var c = 0; c < shape.In; c++) expected[(o * k * k + tap) * shape.In + c] += g[output * shape.Out + o] * a[input * shape.In + c];
        });
        return new(() => fenced.Backend.Conv2dWeightBackward(x, dy, dWeight, shape.Geometry), dWeight, expected);
    });
}
