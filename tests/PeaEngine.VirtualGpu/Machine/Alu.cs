using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>An operation on the lanes of registers, as many at once as a vector holds.</summary>
interface IUnary<T> { static abstract Vector512<T> Do(Vector512<T> a); }

/// <inheritdoc cref="IUnary{T}"/>
interface IBinary<T> { static abstract Vector512<T> Do(Vector512<T> a, Vector512<T> b); }

/// <inheritdoc cref="IUnary{T}"/>
interface ITernary<T> { static abstract Vector512<T> Do(Vector512<T> a, Vector512<T> b, Vector512<T> c); }

/// <summary>An operation on one lane, for what vectors have no instruction for. Types have four bytes or eight, as registers' lanes do.</summary>
interface IEach<TD, TA> { static abstract TD Do(TA a); }

/// <inheritdoc cref="IEach{TD, TA}"/>
interface IEach<TD, TA, TB> { static abstract TD Do(TA a, TB b); }

/// <inheritdoc cref="IEach{TD, TA}"/>
interface IEach<TD, TA, TB, TC> { static abstract TD Do(TA a, TB b, TC c); }

/// <summary>Runs operations over the 32 lanes of a warp's registers; lanes that are not active keep what they hold.</summary>
static unsafe class Alu
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unary<T, TOp>(Warp w, Instr* i) where T : unmanaged where TOp : IUnary<T>
    {
        T* d = w.Lanes<T>(i->R[0]), a = w.Lanes<T>(i->R[1]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += Vector512<T>.Count) Store(TOp.Do(Vector512.Load(a + k)), d + k, mask, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Binary<T, TOp>(Warp w, Instr* i) where T : unmanaged where TOp : IBinary<T>
    {
        T* d = w.Lanes<T>(i->R[0]), a = w.Lanes<T>(i->R[1]), b = w.Lanes<T>(i->R[2]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += Vector512<T>.Count) Store(TOp.Do(Vector512.Load(a + k), Vector512.Load(b + k)), d + k, mask, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Ternary<T, TOp>(Warp w, Instr* i) where T : unmanaged where TOp : ITernary<T>
    {
        T* d = w.Lanes<T>(i->R[0]), a = w.Lanes<T>(i->R[1]), b = w.Lanes<T>(i->R[2]), c = w.Lanes<T>(i->R[3]);
        var mask = w.Mask(i);
        for (var k = 0; k < 32; k += Vector512<T>.Count) Store(TOp.Do(Vector512.Load(a + k), Vector512.Load(b + k), Vector512.Load(c + k)), d + k, mask, k);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Each<TD, TA, TOp>(Warp w, Instr* i) where TD : unmanaged where TA : unmanaged where TOp : IEach<TD, TA>
    {
        var d = w.Lanes<TD>(i->R[0]);
        var a = w.Lanes<TA>(i->R[1]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            d[lane] = TOp.Do(a[lane]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Each<TD, TA, TB, TOp>(Warp w, Instr* i) where TD : unmanaged where TA : unmanaged where TB : unmanaged where TOp : IEach<TD, TA, TB>
    {
        var d = w.Lanes<TD>(i->R[0]);
        var a = w.Lanes<TA>(i->R[1]);
        var b = w.Lanes<TB>(i->R[2]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            d[lane] = TOp.Do(a[lane], b[lane]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Each<TD, TA, TB, TC, TOp>(Warp w, Instr* i)
        where TD : unmanaged where TA : unmanaged where TB : unmanaged where TC : unmanaged where TOp : IEach<TD, TA, TB, TC>
    {
        var d = w.Lanes<TD>(i->R[0]);
        var a = w.Lanes<TA>(i->R[1]);
        var b = w.Lanes<TB>(i->R[2]);
        var c = w.Lanes<TC>(i->R[3]);
        for (var mask = w.Mask(i); mask != 0; mask &= mask - 1)
        {
            var lane = Warp.First(mask);
            d[lane] = TOp.Do(a[lane], b[lane], c[lane]);
        }
    }

    /// <summary>Stores the lanes from <paramref name="first"/> on that are active.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(Vector512<T> value, T* to, uint mask, int first) where T : unmanaged
    {
        if (mask != Warp.Full) value = Vector512.ConditionalSelect(Select<T>(mask >> first), value, Vector512.Load(to));
        value.Store(to);
    }

    /// <summary>All bits of the lanes whose bit is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Select<T>(uint mask) where T : unmanaged
    {
        if (sizeof(T) == 8)
        {
            var bits = Vector512.Create(1ul, 2, 4, 8, 16, 32, 64, 128);
            return Vector512.Equals(Vector512.Create((ulong)mask) & bits, bits).As<ulong, T>();
        }
        else
        {
            var bits = Vector512.Create(1u, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
            return Vector512.Equals(Vector512.Create(mask) & bits, bits).As<uint, T>();
        }
    }
}
