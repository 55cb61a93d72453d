using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>A matrix [depth, rows] in memory, turned: its columns are the product's rows.</summary>
readonly unsafe struct TurnedRows(float* x, nint rows) : IGemmRows
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(int row, int count, int k, int depth, float* to, nint stride)
    {
        var from = x + k * rows + row;
        for (var i = 0; i < depth; i++, from += rows)
            for (nint r = 0; r < count; r++) to[r * stride + i] = from[r];
    }

    public void Fetch(int row, int count, int k, int depth, int part, int parts)
    {
        for (var i = part; i < depth && count > 0; i += parts) Prefetch.Fetch(x + (k + i) * rows + row);
    }
}
