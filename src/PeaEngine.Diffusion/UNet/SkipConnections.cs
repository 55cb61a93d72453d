namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The down blocks' outputs, which the up blocks take back last one first: a stack at the arena's kept end. With
/// <paramref name="retain"/> nothing is released, so that every block's output can be kept as a feature.
/// </summary>
sealed class SkipConnections(Pass p, bool retain) : IDisposable
{
    readonly long bottom = p.Arena.KeptBytes;
    readonly Stack<(Tensor Tensor, long Mark)> stack = [];

    /// <summary>A new tensor on the stack, for a down block to write.</summary>
    public Tensor Push(Shape shape)
    {
        var mark = p.Arena.KeptBytes;
        var tensor = p.Keep(shape);
        stack.Push((tensor, mark));
        return tensor;
    }

    /// <summary>The shape of the skip connection that is taken next but <paramref name="depth"/>.</summary>
    public Shape Peek(int depth = 0) => stack.ElementAt(depth).Tensor.Shape;

    /// <summary>A new tensor [B, H, W, C + Cskip]: x [B, H, W, C] followed by the top of the stack, which is taken off.</summary>
    public Tensor Concat(Tensor x)
    {
        var (skip, mark) = stack.Pop();
        var y = p.New(x.Shape.WithLast(x.Shape[-1] + skip.Shape[-1]));
        p.Backend.Concat(x, skip, y);
        if (!retain) p.Arena.ReleaseKept(mark);
        return y;
    }

    /// <summary>A tensor for the output of the middle or an up block, kept where the skip connections are.</summary>
    public Tensor Output(Shape shape) => retain ? p.Keep(shape) : p.New(shape);

    /// <summary>Releases what is left.</summary>
    public void Dispose()
    {
        if (!retain) p.Arena.ReleaseKept(bottom);
    }
}
