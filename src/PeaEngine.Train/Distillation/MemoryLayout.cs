using System.Runtime.InteropServices;
using PeaEngine.Formats;

namespace PeaEngine.Train.Distillation;

/// <summary>A tensor's place in a block of memory, which is the same on the host and on the device.</summary>
/// <param name="Offset">From the block's beginning, in bytes.</param>
/// <param name="Shape">Of the tensor.</param>
/// <param name="DType">Its type.</param>
readonly record struct Slot(int Offset, Shape Shape, DType DType)
{
    /// <summary>The tensor in a block of a backend.</summary>
    public Tensor In(Tensor block) => new(block.Storage, block.ByteOffset + Offset, Shape, DType);

    /// <summary>Writes some of its elements, rounded to its type where that is one of weights, in a block of the host.</summary>
    /// <param name="block">The block.</param>
    /// <param name="values">As its type has them, or F32.</param>
    /// <param name="first">The first element.</param>
    public void Write<T>(Span<byte> block, ReadOnlySpan<T> values, long first = 0) where T : unmanaged
    {
        var size = DType.SizeInBytes();
        var to = block.Slice(checked((int)(Offset + first * size)), values.Length * size);
        if (DType is DType.F16 or DType.BF16) HalfConversion.FromSingle(MemoryMarshal.Cast<T, float>(values), DType, to);
        else MemoryMarshal.AsBytes(values).CopyTo(to);
    }
}

/// <summary>Places one after another.</summary>
sealed class MemoryLayout
{
    /// <summary>The block's size.</summary>
    public int Bytes { get; private set; }

    /// <summary>One more.</summary>
    public Slot Add(Shape shape, DType dtype)
    {
        var slot = new Slot(Bytes, shape, dtype);
        Bytes = checked((int)Arena.Align(Bytes + shape.Elements * dtype.SizeInBytes()));
        return slot;
    }
}
