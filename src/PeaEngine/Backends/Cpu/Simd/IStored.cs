using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>An element type that weights are stored in, read as singles.</summary>
unsafe interface IStored
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Bytes { get; }

    /// <summary>The element at <paramref name="source"/>.</summary>
    static abstract float Load(void* source);

    /// <summary>A vector of elements.</summary>
    static abstract V Load<S, V>(void* source) where S : struct, ISimd<V> where V : unmanaged;

    /// <summary>The first <paramref name="count"/> elements and zeros; it reads no further.</summary>
    static abstract V Load<S, V>(void* source, int count) where S : struct, ISimd<V> where V : unmanaged;
}

/// <summary><see cref="DType.F32"/>.</summary>
readonly unsafe struct StoredF32 : IStored
{
    public static int Bytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(void* source) => *(float*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<S, V>(void* source) where S : struct, ISimd<V> where V : unmanaged => S.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<S, V>(void* source, int count) where S : struct, ISimd<V> where V : unmanaged => S.Load((float*)source, count);
}

/// <summary><see cref="DType.F16"/>.</summary>
readonly unsafe struct StoredF16 : IStored
{
    public static int Bytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(void* source) => (float)*(Half*)source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<S, V>(void* source) where S : struct, ISimd<V> where V : unmanaged => S.LoadF16((ushort*)source);

    public static V Load<S, V>(void* source, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        var padded = stackalloc ushort[16];
        for (var i = 0; i < count; i++) padded[i] = ((ushort*)source)[i];
        return S.LoadF16(padded);
    }
}

/// <summary><see cref="DType.BF16"/>.</summary>
readonly unsafe struct StoredBF16 : IStored
{
    public static int Bytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(void* source) => BitConverter.Int32BitsToSingle(*(ushort*)source << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<S, V>(void* source) where S : struct, ISimd<V> where V : unmanaged => S.LoadBF16((ushort*)source);

    public static V Load<S, V>(void* source, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        var padded = stackalloc ushort[16];
        for (var i = 0; i < count; i++) padded[i] = ((ushort*)source)[i];
        return S.LoadBF16(padded);
    }
}
