using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.VirtualGpu.Machine;

/// <summary>
/// <c>mma.sync</c>: d = a·b + c of 16×K and K×8. With lane l = 4·group + place, a register's 32 lanes are 8 rows of a (of bᵀ) one after the
/// other, so that fragments become matrices by widening alone. Every element of d begins as c and takes the products in the order of k, each
/// exact, every sum rounded to a single; a half's accumulator is rounded once, at the end. R: d, a, b, c, as many registers as each has.
/// </summary>
static unsafe class Mma
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Half16<TWiden>(Warp w, Instr* i) where TWiden : IWidenPairs
    {
        Begin(w, i, 16);
        float* a = stackalloc float[4 * 64], b = stackalloc float[2 * 64], c = stackalloc float[128], rows = stackalloc float[128];
        var halfC = i->Mode != 0;
        var at = halfC ? 2 : 4;
        for (var k = 0; k < 4; k++) TWiden.Do(w.Lanes<ushort>(i->R[at + k]), a + 64 * k);
        for (var k = 0; k < 2; k++) TWiden.Do(w.Lanes<ushort>(i->R[at + 4 + k]), b + 64 * k);
        Accumulators(w, i, at + 6, halfC, c);
        // b by rows of k.
        for (var n = 0; n < 8; n++)
            for (var k = 0; k < 8; k++) (rows[8 * k + n], rows[64 + 8 * k + n]) = (b[8 * n + k], b[64 + 8 * n + k]);
        for (var half = 0; half < 2; half++)
            for (var row = 0; row < 8; row++)
            {
                // Registers 0 and 2 hold the upper rows, 1 and 3 the lower; 2 and 3 the later columns.
                float* early = a + 64 * half + 8 * row, late = early + 128;
                var sum = Vector256.Load(c + 64 * half + 8 * row);
                for (var k = 0; k < 8; k++) sum = Vector256.FusedMultiplyAdd(Vector256.Create(early[k]), Vector256.Load(rows + 8 * k), sum);
                for (var k = 0; k < 8; k++) sum = Vector256.FusedMultiplyAdd(Vector256.Create(late[k]), Vector256.Load(rows + 64 + 8 * k), sum);
                sum.Store(c + 64 * half + 8 * row);
            }
        Results(w, i, halfC, c);
    }

    /// <summary>K = 8 of halves or bfloat16: two registers of a, one of b.</summary>
    public static void Half8<TWiden>(Warp w, Instr* i) where TWiden : IWidenPairs
    {
        Begin(w, i, 8);
        float* a = stackalloc float[2 * 64], b = stackalloc float[64], c = stackalloc float[128];
        var halfC = i->Mode != 0;
        var at = halfC ? 2 : 4;
        for (var k = 0; k < 2; k++) TWiden.Do(w.Lanes<ushort>(i->R[at + k]), a + 64 * k);
        TWiden.Do(w.Lanes<ushort>(i->R[at + 2]), b);
        Accumulators(w, i, at + 3, halfC, c);
        for (var row = 0; row < 16; row++)
            for (var n = 0; n < 8; n++)
                for (var k = 0; k < 8; k++) c[8 * row + n] = MathF.FusedMultiplyAdd(a[8 * row + k], b[8 * n + k], c[8 * row + n]);
        Results(w, i, halfC, c);
    }

    /// <summary>K = 8 of singles of which the upper 19 bits count: registers 0 and 2 of a hold rows 0 to 7, 2 and 3 columns 4 to 7.</summary>
    public static void Tf32(Warp w, Instr* i)
    {
        Begin(w, i, 8);
        var c = stackalloc float[128];
        Accumulators(w, i, 10, false, c);
        for (var row = 0; row < 16; row++)
            for (var n = 0; n < 8; n++)
            {
                ref var sum = ref c[8 * row + n];
                for (var k = 0; k < 8; k++)
                    sum = MathF.FusedMultiplyAdd(Value(w, i->R[4 + row / 8 + k / 4 * 2], row % 8 * 4 + k % 4), Value(w, i->R[8 + k / 4], n * 4 + k % 4), sum);
            }
        Results(w, i, false, c);
    }

    static float Value(Warp w, int register, int lane) => BitConverter.UInt32BitsToSingle(w.Lanes<uint>(register)[lane] & 0xFFFFE000);

    static void Begin(Warp w, Instr* i, int k)
    {
        if (w.Mask(i) != Warp.Full) throw w.Trap(i, $"a matrix product in divergent code: only lanes {w.Mask(i):x8} are here");
        w.Counters.Mma++;
        w.Counters.MmaFlops += 2L * 16 * 8 * k;
    }

    /// <summary>c by rows: registers hold columns 2·place and 2·place + 1, the first or the first two rows 0 to 7.</summary>
    static void Accumulators(Warp w, Instr* i, int at, bool halves, float* c)
    {
        for (var half = 0; half < 2; half++)
            if (halves) WidenHalves.Do(w.Lanes<ushort>(i->R[at + half]), c + 64 * half);
            else
            {
                uint* even = w.Lanes<uint>(i->R[at + 2 * half]), odd = w.Lanes<uint>(i->R[at + 2 * half + 1]);
                var to = (ulong*)(c + 64 * half);
                for (var k = 0; k < 32; k += 16)
                {
                    var (x, y) = (Vector512.Widen(Vector512.Load(even + k)), Vector512.Widen(Vector512.Load(odd + k)));
                    (x.Lower | y.Lower << 32).Store(to + k);
                    (x.Upper | y.Upper << 32).Store(to + k + 8);
                }
            }
    }

    static void Results(Warp w, Instr* i, bool halves, float* c)
    {
        for (var half = 0; half < 2; half++)
            if (halves)
            {
                var d = w.Lanes<ushort>(i->R[half]);
                for (var k = 0; k < 64; k++) d[k] = Rounding.ToHalf(c[64 * half + k], RoundingMode.Nearest);
            }
            else
            {
                uint* even = w.Lanes<uint>(i->R[2 * half]), odd = w.Lanes<uint>(i->R[2 * half + 1]);
                var from = (ulong*)(c + 64 * half);
                for (var k = 0; k < 32; k += 16)
                {
                    var (lower, upper) = (Vector512.Load(from + k), Vector512.Load(from + k + 8));
                    Vector512.Narrow(lower & Vector512.Create((ulong)uint.MaxValue), upper & Vector512.Create((ulong)uint.MaxValue)).Store(even + k);
                    Vector512.Narrow(lower >> 32, upper >> 32).Store(odd + k);
                }
            }
    }
}

/// <summary>Makes singles of the 64 narrow numbers of a register.</summary>
unsafe interface IWidenPairs { static abstract void Do(ushort* from, float* to); }

/// <inheritdoc/>
readonly unsafe struct WidenHalves : IWidenPairs
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Do(ushort* from, float* to)
    {
        for (var k = 0; k < 64; k += 32)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Load(from + k));
            Widen(lower).Store(to + k);
            Widen(upper).Store(to + k + 16);
        }
    }

    /// <summary>Moves exponent and fraction to their places and scales by 2¹¹², which makes subnormal halves normal; what has all bits of the exponent keeps them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Widen(Vector512<uint> bits)
    {
        var magnitude = (bits & Vector512.Create(0x7FFFu)) << 13;
        var scaled = (magnitude.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32();
        var special = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(0x0F800000u));
        return (Vector512.ConditionalSelect(special, magnitude | Vector512.Create(0x7F800000u), scaled) | (bits & Vector512.Create(0x8000u)) << 16).AsSingle();
    }
}

/// <inheritdoc/>
readonly unsafe struct WidenBFloat16 : IWidenPairs
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Do(ushort* from, float* to)
    {
        for (var k = 0; k < 64; k += 32)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Load(from + k));
            (lower << 16).AsSingle().Store(to + k);
            (upper << 16).AsSingle().Store(to + k + 16);
        }
    }
}
