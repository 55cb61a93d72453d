namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Conv2dBackward(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry, Tensor? residual = null)
    {
        var shape = ConvShape.OfGradient(dy, weight, dx, geometry);
        var columns = new TurnedKernelColumns(weight);
        var epilogue = new GemmEpilogue(dx, null, Activation.None, null, residual, gated: false);
        var gradient = (float*)dy.Address;
        if (TryWinograd(shape, gradient, columns, epilogue)) return;
        if (shape.IsPointwise) Multiply(new MatrixRows(gradient, columns.Length), columns, epilogue, dx.Shape.Rows);
        else Multiply(new ImageRows(shape, gradient), columns, epilogue, dx.Shape.Rows);
    }
}
