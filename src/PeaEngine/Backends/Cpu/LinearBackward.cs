namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LinearBackward(Tensor dy, Tensor weight, Tensor dx, Tensor? residual = null)
    {
        var columns = new StoredColumns(weight);
        var epilogue = new GemmEpilogue(dx, null, Activation.None, null, residual, gated: false);
        Multiply(new MatrixRows((float*)dy.Address, columns.Length), columns, epilogue, dx.Shape.Rows);
    }
}
