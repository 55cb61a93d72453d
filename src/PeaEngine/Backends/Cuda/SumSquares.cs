namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void SumSquares(Tensor x, Tensor y)
    {
        CheckSingle("sum_squares", x, y);
        var chunks = Blocks(Math.Max(x.Elements, 1), SumElements);
        var parts = Workspace((long)sizeof(double) * chunks);
        Launch("sum_squares", new("sum_squares"), y, new(chunks, Threads), x.Address, parts, x.Elements, SumElements);
        Launch("sum_squares", new("sum_squares_total"), y, new(1, Threads), parts, y.Address, chunks);
    }
}
