namespace PeaEngine.Diffusion.Blocks;

/// <summary>
/// The activation that a pass through a chain of layers is at. Each next one is allocated at the arena's other end and the former is
/// then released, so that no more than two are alive: where the picture is whole one is hundreds of megabytes. Where a backward pass will
/// follow all are kept.
/// </summary>
sealed class ActivationChain : IDisposable
{
    readonly Pass p;
    readonly long bottomKept, bottomScratch;
    long mark, nextMark;
    bool isKept;

    /// <summary>A chain that begins with a tensor of the caller's, which stays the caller's.</summary>
    public ActivationChain(Pass p, Tensor first)
    {
        (this.p, Current) = (p, first);
        (bottomKept, bottomScratch) = (p.Arena.KeptBytes, p.Arena.ScratchBytes);
        mark = bottomScratch;
    }

    /// <summary>Where the pass is.</summary>
    public Tensor Current { get; private set; }

    /// <summary>The next activation, to be written from <see cref="Current"/>; then comes <see cref="Advance"/>.</summary>
    public Tensor Next(Shape shape)
    {
        if (p.Saved != null) return p.Keep(shape);
        nextMark = isKept ? p.Arena.ScratchBytes : p.Arena.KeptBytes;
        return isKept ? p.New(shape) : p.Keep(shape);
    }

    /// <summary>Releases <see cref="Current"/> and goes on to <paramref name="next"/>.</summary>
    public void Advance(Tensor next)
    {
        if (p.Saved != null)
        {
            Current = next;
            return;
        }
        if (isKept) p.Arena.ReleaseKept(mark);
        else p.Arena.ReleaseScratch(mark);
        (Current, mark, isKept) = (next, nextMark, !isKept);
    }

    /// <summary>Goes on to what <see cref="Pass.Over"/> gave for <see cref="Current"/>.</summary>
    public void Replace(Tensor over) => Current = over;

    /// <summary>Releases what is left.</summary>
    public void Dispose()
    {
        if (p.Saved == null) p.Arena.ReleaseKept(bottomKept);
        p.Arena.ReleaseScratch(bottomScratch);
    }
}
