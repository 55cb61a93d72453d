namespace PeaEngine.Cuda;

/// <summary>
/// Copies between memory that the device cannot reach and the device, on a stream of their own, through two blocks of pinned memory in turn: while the device takes one, the other
/// is filled. They come in the order of the work that they serve, which waits for them on the device, not on the host. Threads that copy at the same time wait for each other.
/// </summary>
public sealed class Staging : IDisposable
{
    /// <summary>Changes bytes in place.</summary>
    public delegate void Changed(Span<byte> bytes);

    readonly CudaStream work, copies;
    readonly CudaEvent given, arrived;
    readonly (PinnedBuffer Buffer, CudaEvent Free)[] blocks;

    readonly Lock gate = new();

    int next;

    /// <summary>Blocks for copies in the order of a stream's work.</summary>
    /// <param name="work">The stream whose work uses what is copied.</param>
    /// <param name="blockBytes">The size of each of the two.</param>
    public Staging(CudaStream work, int blockBytes = 16 << 20)
    {
        this.work = work;
        copies = new(work.Context);
        (given, arrived) = (new(work.Context), new(work.Context));
        blocks = [.. Enumerable.Range(0, 2).Select(_ => (new PinnedBuffer(work.Context, blockBytes), new CudaEvent(work.Context)))];
    }

    /// <summary>
    /// Copies to the device, after all work so far and before all that comes. The source has been read when this returns; the copy may still be under way. Whoever uploads in every
    /// step is held until the step before the last has read its own: so far ahead of the device a host may be.
    /// </summary>
    /// <exception cref="CudaException">A graph is recorded.</exception>
    public void Upload(ReadOnlySpan<byte> source, nint destination)
    {
        if (work.IsCapturing) throw work.InGraph($"{source.Length} bytes are uploaded");
        using var alone = gate.EnterScope();
        FollowWork();
        for (var at = 0; at < source.Length;)
        {
            var (buffer, free) = blocks[next];
            var bytes = Math.Min(buffer.Bytes, source.Length - at);
            free.Synchronize();
            source.Slice(at, bytes).CopyTo(buffer.Span);
            copies.CopyToDevice(buffer, destination + at, bytes);
            copies.Record(free);
            next ^= 1;
            at += bytes;
        }
        copies.Record(arrived);
        work.Wait(arrived);
    }

    /// <summary>Copies from the device, after all work so far; work that comes need not wait. While one block is read, the next is on its way.</summary>
    /// <exception cref="CudaException">A graph is recorded.</exception>
    public void Download(nint source, Span<byte> destination)
    {
        if (work.IsCapturing) throw work.InGraph($"{destination.Length} bytes are downloaded");
        using var alone = gate.EnterScope();
        FollowWork();
        var size = blocks[0].Buffer.Bytes;
        var pieces = (int)((destination.Length + (long)size - 1) / size);
        for (var i = 0; i <= pieces; i++)
        {
            if (i < pieces)
            {
                var (buffer, free) = blocks[i & 1];
                var at = i * size;
                // An upload that has this block is before it in the stream's order.
                copies.CopyToHost(source + at, buffer, Math.Min(size, destination.Length - at));
                copies.Record(free);
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

    /// <summary>
    /// Changes what lies on the device, after all work so far and before all that comes: each piece comes to the host, is changed where it lies in pinned memory and goes back, while the next is on its way.
    /// </summary>
    /// <param name="address">Where it lies.</param>
    /// <param name="bytes">How much it is; all pieces but the last are as large as a block.</param>
    /// <param name="change">Is given each piece in order.</param>
    /// <exception cref="CudaException">A graph is recorded.</exception>
    public void Change(nint address, long bytes, Changed change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (work.IsCapturing) throw work.InGraph($"{bytes} bytes are changed by the host");
        using var alone = gate.EnterScope();
        FollowWork();
        long size = blocks[0].Buffer.Bytes, pieces = (bytes + size - 1) / size;
        for (var i = 0L; i <= pieces; i++)
        {
            if (i < pieces)
            {
                var (buffer, free) = blocks[i & 1];
                // What used the block before is before it in the stream's order.
                copies.CopyToHost(address + (nint)(i * size), buffer, (int)Math.Min(size, bytes - i * size));
                copies.Record(free);
            }
            if (i > 0)
            {
                var (buffer, here) = blocks[(i - 1) & 1];
                var at = (i - 1) * size;
                var count = (int)Math.Min(size, bytes - at);
                here.Synchronize();
                change(buffer.Span[..count]);
                copies.CopyToDevice(buffer, address + (nint)at, count);
                copies.Record(here);
            }
        }
        copies.Record(arrived);
        work.Wait(arrived);
    }

    /// <summary>Frees the blocks and ends the stream of the copies.</summary>
    public void Dispose()
    {
        foreach (var (buffer, free) in blocks)
        {
            // The device may still be reading it.
            free.Settle();
            free.Dispose();
            buffer.Dispose();
        }
        arrived.Dispose();
        given.Dispose();
        copies.Dispose();
    }

    /// <summary>What is overwritten may still be read by work that was given before, what is copied may still be written by it, and memory is there only once it has been made in its order.</summary>
    void FollowWork()
    {
        work.Record(given);
        copies.Wait(given);
    }
}
