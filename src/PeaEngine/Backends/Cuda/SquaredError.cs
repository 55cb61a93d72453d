using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <summary>Elements that a block adds up. It follows from nothing, so that sums do not.</summary>
    const int SumElements = 1 << 14;

    /// <inheritdoc/>
    public override void SquaredError(Tensor a, Tensor b, Tensor y)
    {
        CheckTypes("squared_error", a, b);
        CheckSingle("squared_error", y);
        if (a.Elements == 0) return;
        int batch = a.Shape[0], chunks = Blocks(a.Elements / batch, SumElements);
        var parts = Workspace((long)sizeof(double) * batch * chunks);
        Launch("squared_error", new("squared_error", Suffix(a.DType)), y, new(new Extents(chunks, batch), Threads), a.Address, b.Address, parts, a.Elements / batch, SumElements);
        Launch("squared_error", new("squared_error_mean"), y, new(batch, RowLanes), parts, y.Address, chunks, a.Elements / batch);
    }
}
