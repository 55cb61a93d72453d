namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null)
    {
        var epilogue = new GemmEpilogue(y, bias, Activation.None, shift, residual, gated: false);
        Multiply(new ImageRows(new ConvShape(x, weight, y, geometry), (float*)x.Address), new GemmWeights(weight), epilogue, y.Shape.Rows);
    }
}
