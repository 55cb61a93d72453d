namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y, Activation activation = Activation.Gelu)
    {
        var epilogue = new GemmEpilogue(y, bias, activation, null, null, gated: true);
        MultiplyMatrix((float*)x.Address, y.Shape.Rows, new WeightColumns(weight), epilogue);
    }
}
