namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void LinearWeightBackward(Tensor x, Tensor dy, Tensor dWeight)
    {
        var epilogue = new GemmEpilogue(dWeight, null, Activation.None, null, dWeight, gated: false);
        Multiply(new TurnedRows((float*)dy.Address, dWeight.Shape[0]), new StoredColumns(x), epilogue, dWeight.Shape[0]);
    }
}
