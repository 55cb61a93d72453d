namespace PeaEngine;

/// <summary>Work that a backend does over and over: see <see cref="Backend.Record"/>.</summary>
public abstract class Recording : IDisposable
{
    /// <summary>Whether the work is called in every run, and so may do something else each time.</summary>
    public virtual bool Repeats => false;

    /// <summary>Does the work once more, on what lies in its tensors now.</summary>
    public abstract void Run();

    /// <summary>Forgets the work.</summary>
    public abstract void Dispose();
}

/// <summary>Work that is simply done again.</summary>
sealed class Repetition(Action work) : Recording
{
    public override bool Repeats => true;

    public override void Run() => work();

    public override void Dispose() { }
}
