namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Conv2dWeightBackward(Tensor x, Tensor dy, Tensor dWeight, Conv2dGeometry geometry)
    {
        // The product is [O, kh·kw·I], the depth all output pixels.
        var outChannels = dWeight.Shape[0];
        var matrix = dWeight.Reshape([outChannels, (int)(dWeight.Elements / outChannels)]);
        var epilogue = new GemmEpilogue(matrix, null, Activation.None, null, matrix, gated: false);
        Multiply(new TurnedRows((float*)dy.Address, outChannels), new ImageColumns(new ConvShape(x, dWeight, dy, geometry), (float*)x.Address), epilogue, outChannels);
    }
}
