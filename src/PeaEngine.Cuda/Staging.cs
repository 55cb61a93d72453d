namespace PeaEngine.Cuda;

/// <summary>
/// Copies between memory that the device cannot reach and the device, through two blocks of pinned memory in turn: while the device takes one, the other is filled.
/// Threads that copy at the same time wait for each other.
/// </summary>
public sealed class Staging : IDisposable
{
    readonly CudaStream stream;
    readonly (PinnedBuffer Buffer, CudaEvent Free)[] blocks;

    readonly Lock gate = new();

    int next;

    /// <summary>Blocks for copies in a stream's order.</summary>
    /// <param name="stream">Whose order.</param>
    /// <param name="blockBytes">The size of each of the two.</param>
    public Staging(CudaStream stream, int blockBytes = 16 << 20)
    {
        this.stream = stream;
        blocks = [.. Enumerable.Range(0, 2).Select(_ => (new PinnedBuffer(stream.Context, blockBytes), new CudaEvent(stream.Context)))];
    }

    /// <summary>Copies to the device. The source has been read when this returns; the copy may still be under way.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint destination)
    {
        using var alone = gate.EnterScope();
        for (var at = 0; at < source.Length;)
        {
            var (buffer, free) = blocks[next];
            var bytes = Math.Min(buffer.Bytes, source.Length - at);
            free.Synchronize();
            source.Slice(at, bytes).CopyTo(buffer.Span);
            stream.CopyToDevice(buffer, destination + at, bytes);
            stream.Record(free);
            next ^= 1;
            at += bytes;
        }
    }

    /// <summary>Copies from the device, after all work of the stream. While one block is read, the next is on its way.</summary>
    public void Download(nint source, Span<byte> destination)
    {
        using var alone = gate.EnterScope();
        var size = blocks[0].Buffer.Bytes;
        var pieces = (int)((destination.Length + (long)size - 1) / size);
        for (var i = 0; i <= pieces; i++)
        {
            if (i < pieces)
            {
                var (buffer, free) = blocks[i & 1];
                var at = i * size;
                // An upload that has this block is before it in the stream's order.
                stream.CopyToHost(source + at, buffer, Math.Min(size, destination.Length - at));
                stream.Record(free);
            }
            if (i > 0)
            {
                var (buffer, done) = blocks[(i - 1) & 1];
                var at = (i - 1) * size;
                var bytes = Math.Min(size, destination.Length - at);
                done.Synchronize();
                buffer.Span[..bytes].CopyTo(destination[at..]);
            }
        }
    }

    /// <summary>Frees the blocks.</summary>
    public void Dispose()
    {
        foreach (var (buffer, free) in blocks)
        {
            // The device may still be reading it.
            free.Settle();
            free.Dispose();
            buffer.Dispose();
        }
    }
}
