namespace PeaEngine.Diffusion.Images;

/// <summary>The data of the IDAT chunks, one after another.</summary>
sealed class PngDataStream(List<ReadOnlyMemory<byte>> chunks) : Stream
{
    int chunk, position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        while (chunk < chunks.Count && position == chunks[chunk].Length) (chunk, position) = (chunk + 1, 0);
        if (chunk == chunks.Count) return 0;
        var source = chunks[chunk].Span[position..];
        var count = Math.Min(source.Length, buffer.Length);
        source[..count].CopyTo(buffer);
        position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
