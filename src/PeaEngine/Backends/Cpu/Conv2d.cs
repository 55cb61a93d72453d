namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Conv2d(Tensor x, Tensor weight, Tensor? bias, Tensor y, Conv2dGeometry geometry, Tensor? shift = null, Tensor? residual = null)
    {
        var shape = new ConvShape(x, weight, y, geometry);
        var weights = new WeightColumns(weight);
        var epilogue = new GemmEpilogue(y, bias, Activation.None, shift, residual, gated: false);
        var pixels = (float*)x.Address;
        if (TryWinograd(shape, pixels, weights, epilogue)) return;
        // A 1×1 kernel over every pixel is a plain product.
        if (shape.IsPointwise) MultiplyMatrix(pixels, y.Shape.Rows, weights, epilogue);
        else Multiply(new ImageRows(shape, pixels), weights, epilogue, y.Shape.Rows);
    }
}
