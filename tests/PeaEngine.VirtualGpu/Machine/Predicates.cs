using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>How two numbers compare. The others are one of these, negated.</summary>
enum Comparison { Equal, Less, LessOrEqual, Greater, GreaterOrEqual, LessOrGreater, Ordered }

/// <summary>What a predicate is joined to by <c>setp</c>.</summary>
enum Joint { None, And, Or, Xor }

/// <summary>Instructions that make predicates and choose by them. A predicate operand is twice its index, plus one if it is negated.</summary>
static unsafe class Predicates
{
    /// <summary>Mode: the comparison, 8 if negated, and a <see cref="Joint"/> above it with the predicate in Detail. R: p, q or −1, a, b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compare<T>(Warp w, Instr* i) where T : unmanaged => Set(w, i, Bits((Comparison)(i->Mode & 7), w.Lanes<T>(i->R[2]), w.Lanes<T>(i->R[3])));

    /// <summary>The same for 16 bits, which <typeparamref name="TWiden"/> makes singles of.</summary>
    public static void CompareNarrow<TWiden>(Warp w, Instr* i) where TWiden : IEach<float, uint>
    {
        uint* a = w.Lanes<uint>(i->R[2]), b = w.Lanes<uint>(i->R[3]);
        float* x = stackalloc float[32], y = stackalloc float[32];
        for (var lane = 0; lane < 32; lane++) (x[lane], y[lane]) = (TWiden.Do(a[lane]), TWiden.Do(b[lane]));
        Set(w, i, Bits((Comparison)(i->Mode & 7), x, y));
    }

    static void Set(Warp w, Instr* i, uint result)
    {
        var mask = w.Mask(i);
        if ((i->Mode & 8) != 0) result = ~result;
        var other = ~result;
        if ((Joint)(i->Mode >> 4) is not Joint.None and var joint)
        {
            var with = Value(w, i->Detail);
            (result, other) = joint switch { Joint.And => (result & with, other & with), Joint.Or => (result | with, other | with), _ => (result ^ with, other ^ with) };
        }
        if (i->R[0] >= 0) Put(w, i->R[0], result, mask);
        if (i->R[1] >= 0) Put(w, i->R[1], other, mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static uint Bits<T>(Comparison comparison, T* a, T* b) where T : unmanaged
    {
        ulong bits = 0;
        for (var k = 0; k < 32; k += Vector512<T>.Count)
        {
            Vector512<T> x = Vector512.Load(a + k), y = Vector512.Load(b + k);
            bits |= (comparison switch
            {
                Comparison.Equal => Vector512.Equals(x, y),
                Comparison.Less => Vector512.LessThan(x, y),
                Comparison.LessOrEqual => Vector512.LessThanOrEqual(x, y),
                Comparison.Greater => Vector512.GreaterThan(x, y),
                Comparison.GreaterOrEqual => Vector512.GreaterThanOrEqual(x, y),
                Comparison.LessOrGreater => Vector512.LessThan(x, y) | Vector512.GreaterThan(x, y),
                _ => Vector512.Equals(x, x) & Vector512.Equals(y, y),
            }).ExtractMostSignificantBits() << k;
        }
        return (uint)bits;
    }

    /// <summary>The lanes of a predicate operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Value(Warp w, int operand) => (operand & 1) == 0 ? w.Predicates[operand >> 1] : ~w.Predicates[operand >> 1];

    /// <summary>Writes the active lanes of a predicate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put(Warp w, int index, uint value, uint mask) => w.Predicates[index] = w.Predicates[index] & ~mask | value & mask;

    public static void And(Warp w, Instr* i) => Put(w, i->R[0], Value(w, i->R[1]) & Value(w, i->R[2]), w.Mask(i));

    public static void Or(Warp w, Instr* i) => Put(w, i->R[0], Value(w, i->R[1]) | Value(w, i->R[2]), w.Mask(i));

    public static void Xor(Warp w, Instr* i) => Put(w, i->R[0], Value(w, i->R[1]) ^ Value(w, i->R[2]), w.Mask(i));

    public static void Not(Warp w, Instr* i) => Put(w, i->R[0], ~Value(w, i->R[1]), w.Mask(i));

    public static void Move(Warp w, Instr* i) => Put(w, i->R[0], Value(w, i->R[1]), w.Mask(i));

    /// <summary>d = p ? a : b. R: d, a, b, p.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Select<T>(Warp w, Instr* i) where T : unmanaged
    {
        T* d = w.Lanes<T>(i->R[0]), a = w.Lanes<T>(i->R[1]), b = w.Lanes<T>(i->R[2]);
        var (mask, choice) = (w.Mask(i), Value(w, i->R[3]));
        for (var k = 0; k < 32; k += Vector512<T>.Count)
            Alu.Store(Vector512.ConditionalSelect(Alu.Select<T>(choice >> k), Vector512.Load(a + k), Vector512.Load(b + k)), d + k, mask, k);
    }
}

readonly struct WidenS16 : IEach<float, uint> { public static float Do(uint a) => (short)a; }

readonly struct WidenU16 : IEach<float, uint> { public static float Do(uint a) => (ushort)a; }

readonly struct WidenHalf<TFormat> : IEach<float, uint> where TFormat : INarrow { public static float Do(uint a) => TFormat.Widen((ushort)a); }

readonly struct WidenFlushed : IEach<float, uint> { public static float Do(uint a) => Rounding.Flush(BitConverter.UInt32BitsToSingle(a)); }
