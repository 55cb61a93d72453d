using PeaEngine.Cuda;

namespace PeaEngine.Backends;

public sealed partial class CudaBackend
{
    /// <inheritdoc/>
    public override void Normals(ulong seed, uint stream, Tensor positions, Tensor y)
    {
        // Numbers of a block of Box-Muller's, and threads that make them.
        const int Block = 16, Pairs = 8;
        CheckSingle("normals", y);
        var rows = y.Shape[0];
        if (rows == 0) return;
        var length = checked((int)(y.Elements / rows));
        Launch("normals", new("normals"), y, new(new Extents(Blocks((long)Blocks(length, Block) * Pairs, Threads), rows), Threads), (long)seed, (int)stream, positions.Address, y.Address, length);
    }
}
