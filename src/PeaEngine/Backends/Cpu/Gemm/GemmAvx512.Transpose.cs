using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.Backends;

readonly unsafe partial struct GemmAvx512
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(byte* from, nint fromBytes, uint* to, nint toStride)
    {
        var r0 = Vector512.Load((uint*)from);
        var r1 = Vector512.Load((uint*)(from + fromBytes));
        var r2 = Vector512.Load((uint*)(from + 2 * fromBytes));
        var r3 = Vector512.Load((uint*)(from + 3 * fromBytes));
        var r4 = Vector512.Load((uint*)(from + 4 * fromBytes));
        var r5 = Vector512.Load((uint*)(from + 5 * fromBytes));
        var r6 = Vector512.Load((uint*)(from + 6 * fromBytes));
        var r7 = Vector512.Load((uint*)(from + 7 * fromBytes));
        var r8 = Vector512.Load((uint*)(from + 8 * fromBytes));
        var r9 = Vector512.Load((uint*)(from + 9 * fromBytes));
        var r10 = Vector512.Load((uint*)(from + 10 * fromBytes));
        var r11 = Vector512.Load((uint*)(from + 11 * fromBytes));
        var r12 = Vector512.Load((uint*)(from + 12 * fromBytes));
        var r13 = Vector512.Load((uint*)(from + 13 * fromBytes));
        var r14 = Vector512.Load((uint*)(from + 14 * fromBytes));
        var r15 = Vector512.Load((uint*)(from + 15 * fromBytes));
        var s0 = Avx512F.UnpackLow(r0, r1); var s1 = Avx512F.UnpackHigh(r0, r1);
        var s2 = Avx512F.UnpackLow(r2, r3); var s3 = Avx512F.UnpackHigh(r2, r3);
        var s4 = Avx512F.UnpackLow(r4, r5); var s5 = Avx512F.UnpackHigh(r4, r5);
        var s6 = Avx512F.UnpackLow(r6, r7); var s7 = Avx512F.UnpackHigh(r6, r7);
        var s8 = Avx512F.UnpackLow(r8, r9); var s9 = Avx512F.UnpackHigh(r8, r9);
        var s10 = Avx512F.UnpackLow(r10, r11); var s11 = Avx512F.UnpackHigh(r10, r11);
        var s12 = Avx512F.UnpackLow(r12, r13); var s13 = Avx512F.UnpackHigh(r12, r13);
        var s14 = Avx512F.UnpackLow(r14, r15); var s15 = Avx512F.UnpackHigh(r14, r15);
        r0 = Low(s0, s2); r1 = High(s0, s2); r2 = Low(s1, s3); r3 = High(s1, s3);
        r4 = Low(s4, s6); r5 = High(s4, s6); r6 = Low(s5, s7); r7 = High(s5, s7);
        r8 = Low(s8, s10); r9 = High(s8, s10); r10 = Low(s9, s11); r11 = High(s9, s11);
        r12 = Low(s12, s14); r13 = High(s12, s14); r14 = Low(s13, s15); r15 = High(s13, s15);
        s0 = Even(r0, r4); s4 = Odd(r0, r4); s8 = Even(r8, r12); s12 = Odd(r8, r12);
        s1 = Even(r1, r5); s5 = Odd(r1, r5); s9 = Even(r9, r13); s13 = Odd(r9, r13);
        s2 = Even(r2, r6); s6 = Odd(r2, r6); s10 = Even(r10, r14); s14 = Odd(r10, r14);
        s3 = Even(r3, r7); s7 = Odd(r3, r7); s11 = Even(r11, r15); s15 = Odd(r11, r15);
        Even(s0, s8).Store(to); Odd(s0, s8).Store(to + 8 * toStride);
        Even(s4, s12).Store(to + 4 * toStride); Odd(s4, s12).Store(to + 12 * toStride);
        Even(s1, s9).Store(to + toStride); Odd(s1, s9).Store(to + 9 * toStride);
        Even(s5, s13).Store(to + 5 * toStride); Odd(s5, s13).Store(to + 13 * toStride);
        Even(s2, s10).Store(to + 2 * toStride); Odd(s2, s10).Store(to + 10 * toStride);
        Even(s6, s14).Store(to + 6 * toStride); Odd(s6, s14).Store(to + 14 * toStride);
        Even(s3, s11).Store(to + 3 * toStride); Odd(s3, s11).Store(to + 11 * toStride);
        Even(s7, s15).Store(to + 7 * toStride); Odd(s7, s15).Store(to + 15 * toStride);
    }

    static Vector512<uint> Low(Vector512<uint> x, Vector512<uint> y) => Avx512F.UnpackLow(x.AsUInt64(), y.AsUInt64()).AsUInt32();

    static Vector512<uint> High(Vector512<uint> x, Vector512<uint> y) => Avx512F.UnpackHigh(x.AsUInt64(), y.AsUInt64()).AsUInt32();

    static Vector512<uint> Even(Vector512<uint> x, Vector512<uint> y) => Avx512F.Shuffle4x128(x, y, 0x88);

    static Vector512<uint> Odd(Vector512<uint> x, Vector512<uint> y) => Avx512F.Shuffle4x128(x, y, 0xdd);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[256];
        Transpose(from, fromBytes, pairs, 16);
        for (var i = 0; i < 16; i++, to += 2 * toStride)
        {
            var pair = Vector512.Load(pairs + 16 * i);
            Widen((pair & Vector512.Create(0x7fffu)) << 13, pair << 16).Store(to);
            Widen((pair >> 3) & Vector512.Create(0x0fffe000u), pair).Store(to + toStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposeBF16(byte* from, nint fromBytes, float* to, nint toStride)
    {
        var pairs = stackalloc uint[256];
        Transpose(from, fromBytes, pairs, 16);
        for (var i = 0; i < 16; i++, to += 2 * toStride)
        {
            var pair = Vector512.Load(pairs + 16 * i);
            (pair << 16).AsSingle().Store(to);
            (pair & Vector512.Create(0xffff0000u)).AsSingle().Store(to + toStride);
        }
    }

    // The half's exponent and fraction, in a single's place, are the value over 2¹¹², subnormals too; infinities and NaN need the exponent full.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector512<float> Widen(Vector512<uint> magnitude, Vector512<uint> sign)
    {
        var value = (magnitude.AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32();
        var special = Vector512.GreaterThanOrEqual(magnitude.AsInt32(), Vector512.Create(0x0f800000)).AsUInt32() & Vector512.Create(0x7f800000u);
        return (value | special | (sign & Vector512.Create(0x80000000u))).AsSingle();
    }
}
