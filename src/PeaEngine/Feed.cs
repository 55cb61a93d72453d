namespace PeaEngine;

/// <summary>
/// A way by which the inputs of a piece of work come while the work before is done: they are written on the host, sent, and taken when it is their turn. One send is on its way or waits to be taken at a time;
/// it may be taken often, in parts.
/// </summary>
public abstract class Feed : IDisposable
{
    /// <summary>Where the next send is written; it waits until the one before has left, which it has long done if it was taken.</summary>
    public abstract Span<byte> Host { get; }

    /// <summary>Sends the first bytes. What was sent before is gone, after whoever took it; no other work waits for it, and it waits for none.</summary>
    /// <param name="bytes">How many.</param>
    public abstract void Send(int bytes);

    /// <summary>Copies from what was sent last, in the order of the ops.</summary>
    /// <param name="from">From which of its bytes on.</param>
    /// <param name="destination">As many bytes as it has are taken.</param>
    public abstract void Take(int from, Tensor destination);

    /// <summary>Ends it, after whoever took from it.</summary>
    public abstract void Dispose();
}

/// <summary>Where ops are done when they are called, nothing is on its way.</summary>
sealed class HostFeed(Backend backend, int bytes) : Feed
{
    readonly byte[] memory = new byte[bytes];

    public override Span<byte> Host => memory;

    public override void Send(int bytes) { }

    public override void Take(int from, Tensor destination) => backend.Upload(memory.AsSpan(from, checked((int)destination.Bytes)), destination);

    public override void Dispose() { }
}
