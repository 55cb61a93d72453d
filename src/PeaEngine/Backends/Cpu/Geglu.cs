namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Geglu(Tensor x, Tensor weight, Tensor? bias, Tensor y)
    {
        var epilogue = new GemmEpilogue(y, bias, Activation.None, null, null, gated: true);
        Multiply(new MatrixRows((float*)x.Address, x.Shape[-1]), new GemmWeights(weight), epilogue, y.Shape.Rows);
    }
}
