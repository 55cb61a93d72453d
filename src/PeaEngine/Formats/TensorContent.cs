using System.Buffers;
using System.Runtime.InteropServices;

namespace PeaEngine.Formats;

/// <summary>Fills <paramref name="destination"/> with a tensor's bytes (little endian, row major) from <paramref name="byteOffset"/> on.</summary>
public delegate void TensorReader(long byteOffset, Span<byte> destination);

/// <summary>A tensor to be written: what it is, and where its bytes come from, asked for in pieces and in order.</summary>
/// <param name="Info">Name, element type and shape.</param>
/// <param name="Read">Gives the bytes. Offsets and lengths are multiples of 8 bytes, but for the last piece's length.</param>
public sealed record TensorContent(TensorInfo Info, TensorReader Read)
{
    const int PieceBytes = 1 << 22;

    /// <summary>An F32 tensor in memory.</summary>
    /// <exception cref="PeaException">The shape has another number of elements.</exception>
    public static TensorContent FromSingles(string name, IReadOnlyList<long> shape, ReadOnlyMemory<float> values)
    {
        var info = new TensorInfo(name, DType.F32, shape);
        if (info.Elements != values.Length) throw new PeaException($"tensor {Quoted.Of(name)}: {values.Length} values, expected {info.Elements} for {info}");
        return new TensorContent(info, (offset, destination) =>
            MemoryMarshal.AsBytes(values.Span.Slice((int)(offset / sizeof(float)), destination.Length / sizeof(float))).CopyTo(destination));
    }

    /// <summary>A tensor in memory as bytes.</summary>
    /// <exception cref="PeaException">The shape and type need another number of bytes.</exception>
    public static TensorContent FromBytes(TensorInfo info, ReadOnlyMemory<byte> bytes)
    {
        if (info.Bytes != bytes.Length) throw new PeaException($"tensor {Quoted.Of(info.Name)}: {bytes.Length} bytes, expected {info.Bytes} for {info}");
        return new TensorContent(info, (offset, destination) => bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination));
    }

    /// <summary>A tensor of another checkpoint, under its own name.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="name">The key.</param>
    /// <param name="dtype">F32, F16 or BF16, which a floating tensor is converted to while it is read; null leaves every type as it is.</param>
    /// <exception cref="PeaException">There is no such tensor.</exception>
    public static TensorContent FromSource(ITensorSource source, string name, DType? dtype = null)
    {
        if (!source.Tensors.TryGetValue(name, out var info)) throw new PeaException($"{source.Path}: no tensor {Quoted.Of(name)}");
        if (dtype is not { } to || to == info.DType || !info.DType.IsFloating()) return new TensorContent(info, (offset, destination) => source.Read(name, offset, destination));
        return new TensorContent(new TensorInfo(name, to, info.Shape), (offset, destination) => Convert(source, info, to, offset, destination));
    }

    /// <summary>The tensor's bytes in order, in pieces that all lie in <paramref name="buffer"/>, one after the other.</summary>
    internal IEnumerable<ReadOnlyMemory<byte>> Pieces(byte[] buffer)
    {
        for (long offset = 0; offset < Info.Bytes;)
        {
            var piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, Info.Bytes - offset));
            Read(offset, piece.Span);
            yield return piece;
            offset += piece.Length;
        }
    }

    /// <summary>A buffer for the pieces of any of these tensors.</summary>
    internal static byte[] BufferFor(IReadOnlyCollection<TensorContent> tensors) => new byte[Math.Min(tensors.Select(tensor => tensor.Info.Bytes).DefaultIfEmpty().Max(), PieceBytes)];

    /// <summary>Through singles, as torch does it, also from doubles.</summary>
    static void Convert(ITensorSource source, TensorInfo info, DType to, long offset, Span<byte> destination)
    {
        var elements = destination.Length / to.SizeInBytes();
        var bytes = elements * info.DType.SizeInBytes();
        var raw = ArrayPool<byte>.Shared.Rent(bytes);
        var values = ArrayPool<float>.Shared.Rent(elements);
        source.Read(info.Name, offset / to.SizeInBytes() * info.DType.SizeInBytes(), raw.AsSpan(0, bytes));
        HalfConversion.ToSingle(raw.AsSpan(0, bytes), info.DType, values);
        HalfConversion.FromSingle(values.AsSpan(0, elements), to, destination);
        ArrayPool<byte>.Shared.Return(raw);
        ArrayPool<float>.Shared.Return(values);
    }
}
