using System.Buffers.Binary;
using System.Text;

namespace PeaEngine.Formats;

/// <summary>Reads a part of a file in order. Whatever the bytes claim is checked against the part's end before anything is allocated.</summary>
/// <param name="file">The file.</param>
/// <param name="position">Where the part begins.</param>
/// <param name="end">Where it ends.</param>
sealed class PickleReader(RandomAccessFile file, long position, long end)
{
    const int BufferBytes = 1 << 14, MaxLineBytes = 1 << 10, MaxTextBytes = 1 << 28;

    readonly byte[] buffer = new byte[(int)Math.Min(BufferBytes, end - position)];
    long bufferStart = position;
    int used, count;

    /// <summary>The place in the file of the next byte.</summary>
    public long Position => bufferStart + used;

    /// <summary>One byte.</summary>
    public byte Byte()
    {
        if (used == count) Refill();
        return buffer[used++];
    }

    /// <summary>Two bytes, little endian.</summary>
    public ushort UInt16() => (ushort)Little(2);

    /// <summary>Four bytes, little endian.</summary>
    public int Int32() => (int)Little(4);

    /// <summary>Four bytes, little endian.</summary>
    public uint UInt32() => (uint)Little(4);

    /// <summary>Eight bytes, little endian; what does not fit a long is a length that no file has.</summary>
    public long Int64() => (long)Little(8);

    /// <summary>Eight bytes, big endian, as pickles have their floating numbers.</summary>
    public double Double() => BitConverter.Int64BitsToDouble(BinaryPrimitives.ReverseEndianness(Int64()));

    /// <summary>A number of <paramref name="bytes"/> bytes, two's complement, little endian; null when it has more than 128 bits.</summary>
    public Int128? Integer(long bytes)
    {
        Check(bytes);
        if (bytes > 16)
        {
            Skip(bytes);
            return null;
        }
        Int128 value = 0;
        for (var i = 0; i < bytes; i++) value |= (Int128)Byte() << (8 * i);
        var unused = (int)(128 - 8 * bytes);
        return bytes == 0 ? 0 : value << unused >> unused;
    }

    /// <summary>UTF-8 of <paramref name="bytes"/> bytes; what is not valid becomes U+FFFD.</summary>
    public string Text(long bytes)
    {
        Check(bytes);
        if (bytes > MaxTextBytes) throw Broken($"a string of {bytes} bytes, expected at most {MaxTextBytes}");
        var text = new byte[bytes];
        Read(text);
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>Text up to a line feed, which is skipped.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (var letter = Byte(); letter != '\n'; letter = Byte())
        {
            if (line.Length == MaxLineBytes) throw Broken($"a line of more than {MaxLineBytes} bytes, expected a name");
            line.Append((char)letter);
        }
        return line.ToString();
    }

    /// <summary>Fills <paramref name="destination"/>.</summary>
    public void Read(Span<byte> destination)
    {
        Check(destination.Length);
        var buffered = Math.Min(destination.Length, count - used);
        buffer.AsSpan(used, buffered).CopyTo(destination);
        used += buffered;
        if (buffered == destination.Length) return;
        file.Read(Position, destination[buffered..]);
        Move(Position + destination.Length - buffered);
    }

    /// <summary>Passes over bytes.</summary>
    public void Skip(long bytes)
    {
        Check(bytes);
        if (bytes <= count - used) used += (int)bytes;
        else Move(Position + bytes);
    }

    /// <summary>Refuses a length that the part does not have.</summary>
    public void Check(long bytes)
    {
        if (bytes < 0 || bytes > end - Position) throw Broken($"{bytes} bytes are claimed, expected at most the {end - Position} left");
    }

    /// <summary>An error that says where.</summary>
    public PeaException Broken(string detail) => new($"{file.Path}: byte {Position}: {detail}");

    ulong Little(int bytes)
    {
        ulong value = 0;
        for (var i = 0; i < bytes; i++) value |= (ulong)Byte() << (8 * i);
        return value;
    }

    void Move(long to) => (bufferStart, used, count) = (to, 0, 0);

    void Refill()
    {
        Move(Position);
        var left = (int)Math.Min(buffer.Length, end - bufferStart);
        if (left == 0) throw Broken("the pickle ends here, expected its STOP");
        file.Read(bufferStart, buffer.AsSpan(0, left));
        count = left;
    }
}
