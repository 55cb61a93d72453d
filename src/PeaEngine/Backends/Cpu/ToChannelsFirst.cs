namespace PeaEngine.Backends;

public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void ToChannelsFirst(Tensor x, Tensor y) => Transpose(x, y, y.Shape[0], y.Shape[2] * y.Shape[3], y.Shape[1]);
}
