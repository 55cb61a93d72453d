namespace PeaEngine.Backends;

/// <summary>
/// A convolution's weight [O, kh, kw, I] as its gradient needs it: turned by half a circle, [kh·kw·O, I]. The input channels are the
/// columns, which lie side by side in memory.
/// </summary>
readonly unsafe struct TurnedKernelColumns(Tensor weight) : IGemmColumns
{
    readonly byte* data = (byte*)weight.Address;
    readonly DType dtype = weight.DType;
    readonly int taps = weight.Shape[1] * weight.Shape[2], outChannels = weight.Shape[0];

    public int Count { get; } = weight.Shape[3];

    public int Length => taps * outChannels;

    public void Pack<G, S, V>(int column, int columns, int k, int depth, float* panel) where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        if (columns < G.Columns) new Span<float>(panel, depth * G.Columns).Clear();
        int tap = k / outChannels, channel = k - tap * outChannels, size = dtype.SizeInBytes();
        for (var i = 0; i < depth; i++)
        {
            var from = data + (((nint)channel * taps + (taps - 1 - tap)) * Count + column) * size;
            StoredRow.Widen<S, V>(from, dtype, panel + (nint)i * G.Columns, columns);
            if (++channel == outChannels) (channel, tap) = (0, tap + 1);
        }
    }
}
