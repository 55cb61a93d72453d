using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace PeaEngine;

/// <summary>
/// A contiguous view of a <see cref="PeaEngine.Storage"/>. It owns nothing. Images are channels last, <c>[B, H, W, C]</c>,
/// which is also <c>[B, H·W, C]</c> tokens.
/// </summary>
public readonly struct Tensor
{
    /// <summary>A view of <paramref name="shape"/> that begins <paramref name="byteOffset"/> bytes into the storage.</summary>
    /// <exception cref="PeaException">The view does not fit in the storage.</exception>
    public Tensor(Storage storage, long byteOffset, Shape shape, DType dtype)
    {
        (Storage, ByteOffset, Shape, DType) = (storage, byteOffset, shape, dtype);
        if (byteOffset < 0 || byteOffset + Bytes > storage.Bytes)
            throw new PeaException($"tensor {shape} {dtype}: {Bytes} bytes at {byteOffset} do not fit in a storage of {storage.Bytes}");
    }

    /// <summary>The memory the view lies in.</summary>
    public Storage Storage { get; }

    /// <summary>Where the view begins, in bytes from the start of the storage.</summary>
    public long ByteOffset { get; }

    /// <summary>The extents.</summary>
    public Shape Shape { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>The number of elements.</summary>
    public long Elements => Shape.Elements;

    /// <summary>The size in bytes.</summary>
    public long Bytes => Shape.Elements * DType.SizeInBytes();

    /// <summary>The address of the first element in the backend's address space.</summary>
    public nint Address => Storage.Address + (nint)ByteOffset;

    /// <summary>The same elements under another shape.</summary>
    /// <exception cref="PeaException">The number of elements differs.</exception>
    public Tensor Reshape(Shape shape) => shape.Elements == Elements
        ? new(Storage, ByteOffset, shape, DType)
        : throw new PeaException($"reshape: {Shape} has {Elements} elements, {shape} wants {shape.Elements}");

    /// <summary>Entries <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> of the first dimension.</summary>
    public Tensor Slice(int start, int count)
    {
        var shape = Shape;
        if (start < 0 || count < 0 || start + count > shape[0])
            throw new PeaException($"slice: entries {start} to {start + count} of {shape}");
        Shape sliced = shape.Rank switch
        {
            1 => [count],
            2 => [count, shape[1]],
            3 => [count, shape[1], shape[2]],
            _ => [count, shape[1], shape[2], shape[3]],
        };
        var stride = shape[0] == 0 ? 0 : Bytes / shape[0];
        return new(Storage, ByteOffset + start * stride, sliced, DType);
    }

    /// <summary>The elements, when the storage is in host memory.</summary>
    /// <exception cref="PeaException">The storage is a device's, or the element size is not <typeparamref name="T"/>'s.</exception>
    [SuppressMessage("Design", "CA1024", Justification = "The span is made on each call.")]
    public unsafe Span<T> AsSpan<T>() where T : unmanaged
    {
        if (!Storage.IsHost) throw new PeaException("tensor: its memory is not the host's; download it");
        if (Unsafe.SizeOf<T>() != DType.SizeInBytes())
            throw new PeaException($"tensor {Shape} {DType}: elements of {typeof(T).Name} asked for");
        ObjectDisposedException.ThrowIf(Storage.Address == 0 && Elements > 0, typeof(Storage));
        return new Span<T>((void*)Address, checked((int)Elements));
    }

    /// <summary>Shape and element type.</summary>
    public override string ToString() => $"{Shape} {DType}";
}
