namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The down blocks' outputs, which the up blocks take back last one first: a stack at the arena's kept end. With
/// <c>retain</c> nothing is released, so that every block's output can be kept as a feature.
/// </summary>
readonly struct SkipConnections : IDisposable
{
    readonly Pass p;
    readonly List<(Tensor Tensor, long Mark)> stack;
    readonly bool retain;
    readonly long bottom;

    /// <summary>An empty stack; <paramref name="stack"/> is its memory, which every step uses again.</summary>
    public SkipConnections(Pass p, List<(Tensor Tensor, long Mark)> stack, bool retain)
    {
        stack.Clear();
        (this.p, this.stack, this.retain, bottom) = (p, stack, retain, p.Arena.KeptBytes);
    }

    /// <summary>A new tensor on the stack, for a down block to write.</summary>
    public Tensor Push(Shape shape)
    {
        var mark = p.Arena.KeptBytes;
        var tensor = p.Keep(shape);
        stack.Add((tensor, mark));
        return tensor;
    }

    /// <summary>Puts another tensor in place of the one pushed last.</summary>
    public Tensor Top
    {
        set => stack[^1] = (value, stack[^1].Mark);
    }

    /// <summary>The shape of the skip connection that is taken next but <paramref name="depth"/>.</summary>
    public Shape Peek(int depth = 0) => stack[^(1 + depth)].Tensor.Shape;

    /// <summary>Takes the top off the stack and leaves its memory.</summary>
    public Tensor Pop()
    {
        var skip = stack[^1].Tensor;
        stack.RemoveAt(stack.Count - 1);
        return skip;
    }

    /// <summary>A new tensor [B, H, W, C + Cskip]: x [B, H, W, C] followed by the top of the stack, which is taken off.</summary>
    public Tensor Concat(Tensor x)
    {
        var (skip, mark) = stack[^1];
        stack.RemoveAt(stack.Count - 1);
        var y = p.Save(x.Shape.WithLast(x.Shape[-1] + skip.Shape[-1]));
        p.Backend.Concat(x, skip, y);
        if (!retain) p.Arena.ReleaseKept(mark);
        return y;
    }

    /// <summary>Adds a residual to each, the first to the one pushed first, and that of the middle to <paramref name="mid"/>: a new tensor.</summary>
    /// <exception cref="PeaException">Their number or a shape is not that of the skip connections.</exception>
    public Tensor Add(UNetResiduals residuals, Tensor mid)
    {
        if (residuals.Down.Count != stack.Count) throw new PeaException($"unet: {residuals.Down.Count} residuals, expected {stack.Count}, one for each skip connection");
        // The middle first: without a middle block it is the last skip connection.
        var middle = Output(mid.Shape);
        UNetResiduals.Add(p, mid, residuals.Mid, middle);
        for (var i = 0; i < stack.Count; i++)
        {
            var (skip, mark) = stack[i];
            var sum = retain ? p.Keep(skip.Shape) : skip;
            UNetResiduals.Add(p, skip, residuals.Down[i], sum);
            stack[i] = (sum, mark);
        }
        return middle;
    }

    /// <summary>A tensor for the output of the middle or an up block, kept where the skip connections are.</summary>
    public Tensor Output(Shape shape) => retain ? p.Keep(shape) : p.New(shape);

    /// <summary>Releases what is left.</summary>
    public void Dispose()
    {
        if (!retain) p.Arena.ReleaseKept(bottom);
    }
}
