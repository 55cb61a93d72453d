using System.Collections.Concurrent;

namespace PeaEngine.Train.Data;

/// <summary>
/// A sequence of batches that is read on another thread, one ahead, where it is asked to. What was dropped and what there is to warn of come with the batch that they belong to: a batch that is read and
/// never given leaves no trace.
/// </summary>
/// <param name="read">Reads the next one.</param>
/// <param name="dropped">What was dropped so far.</param>
/// <param name="warn">Told of what the reading told.</param>
sealed class ReadAhead<T>(Func<CancellationToken, T> read, Func<IReadOnlyDictionary<DropReason, long>> dropped, Action<string> warn) : IDisposable
{
    readonly CancellationTokenSource end = new();
    readonly ConcurrentQueue<string> told = new();
    IReadOnlyDictionary<DropReason, long>? droppedSoFar;
    Task<Item>? next;

    /// <summary>Samples that were dropped up to the last batch that was given.</summary>
    public IReadOnlyDictionary<DropReason, long> Dropped => droppedSoFar ?? dropped();

    /// <summary>For whoever reads: warns when the batch is given.</summary>
    public void Tell(string message) => told.Enqueue(message);

    /// <summary>Warns of what was told so far.</summary>
    public void Warn()
    {
        while (told.TryDequeue(out var message)) warn(message);
    }

    /// <summary>Begins to read the next batch.</summary>
    public void Begin()
    {
        droppedSoFar ??= dropped();
        next ??= Task.Run(() => Read(end.Token));
    }

    /// <summary>The next batch, for which it may wait; what its reading threw is thrown here.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; what is read already will be given next.</exception>
    public T Next(CancellationToken cancellation)
    {
        try
        {
            if (next == null) return Give(Read(cancellation));
            // It fails where it is taken.
            Task.WaitAny([next], cancellation);
            var item = next;
            next = null;
            return Give(item.GetAwaiter().GetResult());
        }
        finally
        {
            if (next == null) Warn();
        }
    }

    /// <summary>Stops reading.</summary>
    public void Dispose()
    {
        end.Cancel();
        if (next != null) Task.WhenAny(next).Wait();
        end.Dispose();
    }

    Item Read(CancellationToken cancellation) => new(read(cancellation), dropped());

    T Give(Item item)
    {
        droppedSoFar = item.Dropped;
        return item.Batch;
    }

    readonly record struct Item(T Batch, IReadOnlyDictionary<DropReason, long> Dropped);
}
