namespace PeaEngine.Formats;

/// <summary>
/// The bytes of a tensor that is a view of a file: runs of adjacent bytes, repeated over some extents. Extents that follow each other in
/// the file are one, so that a contiguous tensor is a single run.
/// </summary>
sealed class StridedView
{
    /// <summary>What is read at once of a view whose runs are scattered.</summary>
    const long MaxSpanBytes = 1 << 28;

    readonly long position, run;
    readonly List<(long Extent, long Stride)> extents = [];

    /// <summary>A view of elements, whose extents and strides were checked to stay inside the file.</summary>
    /// <param name="position">The place in the file of the first element.</param>
    /// <param name="shape">The extents, outermost first; none is 0.</param>
    /// <param name="strides">Elements from one index to the next.</param>
    /// <param name="elementBytes">The size of an element.</param>
    public StridedView(long position, ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, int elementBytes)
    {
        (this.position, run) = (position, elementBytes);
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            var (extent, stride) = (shape[i], strides[i] * elementBytes);
            if (extent == 1) continue;
            if (extents.Count == 0 && stride == run) run *= extent;
            else if (extents.Count > 0 && extents[^1] is var (inner, innerStride) && stride == inner * innerStride) extents[^1] = (inner * extent, innerStride);
            else extents.Add((extent, stride));
        }
        extents.Reverse();
    }

    /// <summary>Fills <paramref name="destination"/> with the view's bytes, row major, from <paramref name="byteOffset"/> on.</summary>
    public void Read(RandomAccessFile file, long byteOffset, Span<byte> destination)
    {
        var last = byteOffset + destination.Length - 1;
        if (destination.IsEmpty) return;
        var (begin, end) = Span(byteOffset / run, last / run);
        if (byteOffset / run == last / run) file.Read(begin + byteOffset % run, destination);
        else if (end - begin > MaxSpanBytes)
        {
            // Half of it lies closer together, and at the latest a part of a single run does.
            var half = destination.Length / 2;
            Read(file, byteOffset, destination[..half]);
            Read(file, byteOffset + half, destination[half..]);
        }
        else
        {
            var span = GC.AllocateUninitializedArray<byte>((int)(end - begin));
            file.Read(begin, span);
            Gather(span, begin, byteOffset, destination);
        }
    }

    /// <summary>The part of the file that the runs from <paramref name="first"/> to <paramref name="last"/> lie in.</summary>
    (long Begin, long End) Span(long first, long last)
    {
        var (from, to) = (Indices(first), Indices(last));
        var (begin, end) = (position, position + run);
        var isInner = false;
        for (var i = 0; i < extents.Count; i++)
        {
            // Below the first extent in which the two differ, any index may occur.
            var (extent, stride) = extents[i];
            begin += isInner ? 0 : from[i] * stride;
            end += (isInner ? extent - 1 : to[i]) * stride;
            isInner |= from[i] != to[i];
        }
        return (begin, end);
    }

    long[] Indices(long runIndex)
    {
        var indices = new long[extents.Count];
        for (var i = indices.Length - 1; i >= 0; i--) (runIndex, indices[i]) = Math.DivRem(runIndex, extents[i].Extent);
        return indices;
    }

    void Gather(ReadOnlySpan<byte> span, long begin, long byteOffset, Span<byte> destination)
    {
        var indices = Indices(byteOffset / run);
        var skip = byteOffset % run;
        var at = position - begin;
        for (var i = 0; i < indices.Length; i++) at += indices[i] * extents[i].Stride;
        while (true)
        {
            var bytes = (int)Math.Min(run - skip, destination.Length);
            span.Slice((int)(at + skip), bytes).CopyTo(destination);
            destination = destination[bytes..];
            if (destination.IsEmpty) return;
            skip = 0;
            for (var i = indices.Length - 1; i >= 0; i--)
            {
                at += extents[i].Stride;
                if (++indices[i] < extents[i].Extent) break;
                at -= indices[i] * extents[i].Stride;
                indices[i] = 0;
            }
        }
    }
}
