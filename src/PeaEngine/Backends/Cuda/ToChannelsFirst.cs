namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void ToChannelsFirst(Tensor x, Tensor y) => Transpose("to_channels_first", x, y, y.Shape[2] * y.Shape[3], y.Shape[1]);
}
