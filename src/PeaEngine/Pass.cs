namespace PeaEngine;

/// <summary>One run through a model: where it computes, where its tensors live, and whether it should go on.</summary>
public sealed class Pass(Backend backend, Arena arena, CancellationToken cancellation = default)
{
    /// <summary>Where it computes.</summary>
    public Backend Backend { get; } = backend;

    /// <summary>Where its tensors live.</summary>
    public Arena Arena { get; } = arena;

    /// <summary>A tensor that lives until the innermost <see cref="Scope"/> ends: an activation, unless a type is named.</summary>
    public Tensor New(Shape shape, DType? dtype = null) => Arena.Scratch(shape, dtype ?? Backend.ActivationType);

    /// <summary>A tensor that outlives every scope of the pass: an activation, unless a type is named.</summary>
    public Tensor Keep(Shape shape, DType? dtype = null) => Arena.Keep(shape, dtype ?? Backend.ActivationType);

    /// <summary>x itself where it has the type, else a new tensor: x converted. So do values pass from a model to what is F32 around it, and back.</summary>
    public Tensor Cast(Tensor x, DType dtype)
    {
        if (x.DType == dtype) return x;
        var y = New(x.Shape, dtype);
        Backend.Copy(x, y);
        return y;
    }

    /// <summary>
    /// Begins a scope: what <see cref="New"/> gives from here on is released when the scope is disposed. A layer allocates
    /// its output first, then opens a scope for its own needs.
    /// </summary>
    public Scope Scratch() => new(Arena);

    /// <summary>What is left for a backward pass; none where there will be no such pass.</summary>
    public Saved? Saved { get; init; }

    /// <summary>The parameters that are trained; none where all are frozen.</summary>
    public Gradients? Gradients { get; init; }

    /// <summary>A tensor that a backward pass will need: kept where there will be one, else scratch.</summary>
    public Tensor Save(Shape shape, DType? dtype = null) => Saved == null ? New(shape, dtype) : Keep(shape, dtype);

    /// <summary>x itself, to be overwritten; where a backward pass will need it, another tensor of its shape and type, which that will need too.</summary>
    public Tensor Over(Tensor x) => Saved == null ? x : Keep(x.Shape, x.DType);

    /// <summary>Whether blocks that can be computed again leave their inputs alone and are computed again when the backward pass comes to them.</summary>
    public bool Recomputes { get; init; }

    /// <summary>A pass in the same memory that a backward pass will follow, which collects the gradients of what is tracked.</summary>
    /// <param name="gradients">What is trained; none where all is frozen.</param>
    /// <param name="recomputes">Less memory for more time; the gradients are the same bits.</param>
    public Pass Saving(Gradients? gradients = null, bool recomputes = false) =>
        new(Backend, Arena, cancellation) { Saved = new(), Gradients = gradients, Recomputes = recomputes };

    /// <summary>A pass in the same memory that leaves nothing.</summary>
    public Pass Forgetting() => new(Backend, Arena, cancellation);

    /// <summary>Adds to the gradient of a bias [N], where it is collected: the sum of dy [.., N] over all rows.</summary>
    public void TrainBias(Tensor bias, Tensor dy)
    {
        if (Gradients?.Of(bias) is { } dBias) Backend.SumTokens(dy.Reshape([1, dy.Shape.Rows, dy.Shape[-1]]), dBias.Reshape([1, dy.Shape[-1]]));
    }

    /// <summary>Called between blocks.</summary>
    /// <exception cref="OperationCanceledException">The pass was cancelled.</exception>
    public void ThrowIfCancelled() => cancellation.ThrowIfCancellationRequested();

    /// <summary>A stretch of scratch.</summary>
    public readonly ref struct Scope
    {
        readonly Arena arena;
        readonly long mark;

        internal Scope(Arena arena) => (this.arena, mark) = (arena, arena.ScratchBytes);

        /// <summary>Releases what was allocated since the scope began.</summary>
        public void Dispose() => arena.ReleaseScratch(mark);
    }
}
