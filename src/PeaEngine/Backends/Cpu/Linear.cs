namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Linear(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        var epilogue = new GemmEpilogue(y, bias, activation, null, residual, gated: false);
        MultiplyMatrix((float*)x.Address, y.Shape.Rows, new WeightColumns(weight), epilogue);
    }
}
