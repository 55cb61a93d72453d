namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Elements that a thread of the copy converts.</summary>
    const int CopyElements = 8;

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        Begin("copy", y);
        if (x.DType == y.DType) stream.Copy(x.Address, y.Address, y.Bytes);
        else Convert(x, y.Address, y.DType);
    }

    void Convert(Tensor x, nint y, DType type) =>
        Launch("copy", new("copy", Suffix(x.DType), Suffix(type)), x, new(Blocks(x.Elements, Threads * CopyElements), Threads), x.Address, y, x.Elements);
}
