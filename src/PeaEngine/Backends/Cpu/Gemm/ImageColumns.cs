namespace PeaEngine.Backends;

/// <summary>
/// The matrix [pixels, kh·kw·C] that the gradient of a convolution's weight multiplies: what <see cref="ImageRows"/> gathers, with the
/// pixels as the depth of the sums.
/// </summary>
readonly unsafe struct ImageColumns(ConvShape shape, float* x) : IGemmColumns
{
    public int Count { get; } = shape.Kernel * shape.Kernel * shape.InChannels;

    public int Length { get; } = shape.Batch * shape.OutHeight * shape.OutWidth;

    public void Pack<G, S, V>(int column, int columns, int k, int depth, float* panel) where G : struct, IGemmKernel where S : struct, ISimd<V> where V : unmanaged
    {
        if (columns < G.Columns) new Span<float>(panel, depth * G.Columns).Clear();
        new ImageRows(shape, x).Pack(k, depth, column, columns, panel, G.Columns);
    }
}
