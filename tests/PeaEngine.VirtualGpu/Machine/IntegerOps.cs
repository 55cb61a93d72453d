using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace PeaEngine.VirtualGpu.Machine;

// Integer arithmetic and logic, each as the PTX ISA defines it.

readonly struct Add<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a + b; }

readonly struct Sub<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a - b; }

readonly struct Mul<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a * b; }

readonly struct MulAdd<T> : ITernary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b, Vector512<T> c) => a * b + c; }

readonly struct Min<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b); }

readonly struct Max<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b); }

readonly struct Neg<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => Vector512<T>.Zero - a; }

readonly struct Abs<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => Vector512.Abs(a); }

readonly struct And<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a & b; }

readonly struct Or<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a | b; }

readonly struct Xor<T> : IBinary<T> { public static Vector512<T> Do(Vector512<T> a, Vector512<T> b) => a ^ b; }

readonly struct Not<T> : IUnary<T> { public static Vector512<T> Do(Vector512<T> a) => ~a; }

readonly struct LogicalNot<T> : IUnary<T> where T : INumberBase<T> { public static Vector512<T> Do(Vector512<T> a) => Vector512.Equals(a, Vector512<T>.Zero) & Vector512.Create(T.One); }

/// <summary>Shifts by 32 and more leave nothing.</summary>
readonly struct ShiftLeft32 : IBinary<uint>
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b)
    {
        if (Avx512F.IsSupported) return Avx512F.ShiftLeftLogicalVariable(a, b);
        for (var k = 0; k < Vector512<uint>.Count; k++) a = a.WithElement(k, b[k] > 31 ? 0 : a[k] << (int)b[k]);
        return a;
    }
}

/// <inheritdoc cref="ShiftLeft32"/>
readonly struct ShiftRight32 : IBinary<uint>
{
    public static Vector512<uint> Do(Vector512<uint> a, Vector512<uint> b)
    {
        if (Avx512F.IsSupported) return Avx512F.ShiftRightLogicalVariable(a, b);
        for (var k = 0; k < Vector512<uint>.Count; k++) a = a.WithElement(k, b[k] > 31 ? 0 : a[k] >> (int)b[k]);
        return a;
    }
}

/// <summary>Shifts by 32 and more leave the sign.</summary>
readonly struct ShiftRightSigned32 : IBinary<int>
{
    public static Vector512<int> Do(Vector512<int> a, Vector512<int> b)
    {
        if (Avx512F.IsSupported) return Avx512F.ShiftRightArithmeticVariable(a, b.AsUInt32());
        for (var k = 0; k < Vector512<int>.Count; k++) a = a.WithElement(k, a[k] >> (int)Math.Min((uint)b[k], 31));
        return a;
    }
}

readonly struct ShiftLeft64 : IEach<ulong, ulong, uint> { public static ulong Do(ulong a, uint b) => b > 63 ? 0 : a << (int)b; }

readonly struct ShiftRight64 : IEach<ulong, ulong, uint> { public static ulong Do(ulong a, uint b) => b > 63 ? 0 : a >> (int)b; }

readonly struct ShiftRightSigned64 : IEach<long, long, uint> { public static long Do(long a, uint b) => a >> (int)Math.Min(b, 63); }

readonly struct ShiftLeft16 : IEach<uint, uint, uint> { public static uint Do(uint a, uint b) => b > 15 ? 0u : (ushort)(a << (int)b); }

readonly struct ShiftRight16 : IEach<uint, uint, uint> { public static uint Do(uint a, uint b) => b > 15 ? 0 : (uint)(ushort)a >> (int)b; }

readonly struct ShiftRightSigned16 : IEach<uint, uint, uint> { public static uint Do(uint a, uint b) => (ushort)((short)a >> (int)Math.Min(b, 15)); }

/// <summary>Signed numbers of 16 bits: computed in 32, kept in the lower half.</summary>
readonly struct Signed16<TOp> : IEach<uint, uint, uint>, IEach<uint, uint>, IEach<uint, uint, uint, uint>
    where TOp : IInteger
{
    public static uint Do(uint a) => Do(a, 0, 0);
    public static uint Do(uint a, uint b) => Do(a, b, 0);
    public static uint Do(uint a, uint b, uint c) => (ushort)TOp.Do((short)a, (short)b, (short)c);
}

/// <summary>Unsigned numbers of 16 bits.</summary>
readonly struct Unsigned16<TOp> : IEach<uint, uint, uint>, IEach<uint, uint>, IEach<uint, uint, uint, uint>
    where TOp : IInteger
{
    public static uint Do(uint a) => Do(a, 0, 0);
    public static uint Do(uint a, uint b) => Do(a, b, 0);
    public static uint Do(uint a, uint b, uint c) => (ushort)TOp.Do((ushort)a, (ushort)b, (ushort)c);
}

/// <summary>An operation on integers of any width, up to three operands.</summary>
interface IInteger { static abstract long Do(long a, long b, long c); }

readonly struct AddAny : IInteger { public static long Do(long a, long b, long c) => a + b; }

readonly struct SubAny : IInteger { public static long Do(long a, long b, long c) => a - b; }

readonly struct MulAny : IInteger { public static long Do(long a, long b, long c) => a * b; }

readonly struct MulHighAny : IInteger { public static long Do(long a, long b, long c) => a * b >> 16; }

readonly struct MulAddAny : IInteger { public static long Do(long a, long b, long c) => a * b + c; }

readonly struct MinAny : IInteger { public static long Do(long a, long b, long c) => Math.Min(a, b); }

readonly struct MaxAny : IInteger { public static long Do(long a, long b, long c) => Math.Max(a, b); }

readonly struct NegAny : IInteger { public static long Do(long a, long b, long c) => -a; }

readonly struct AbsAny : IInteger { public static long Do(long a, long b, long c) => Math.Abs(a); }

/// <summary>Division by zero gives all ones, as on the machine.</summary>
readonly struct DivAny : IInteger { public static long Do(long a, long b, long c) => b == 0 ? -1 : a / b; }

readonly struct RemAny : IInteger { public static long Do(long a, long b, long c) => b == 0 ? a : a % b; }

readonly struct Div<T> : IEach<T, T, T> where T : IBinaryInteger<T>
{
    public static T Do(T a, T b) => T.IsZero(b) ? ~T.Zero : b == ~T.Zero && T.IsNegative(b) ? T.Zero - a : a / b;
}

readonly struct Rem<T> : IEach<T, T, T> where T : IBinaryInteger<T>
{
    public static T Do(T a, T b) => T.IsZero(b) ? a : b == ~T.Zero && T.IsNegative(b) ? T.Zero : a % b;
}

readonly struct MulHighU32 : IEach<uint, uint, uint> { public static uint Do(uint a, uint b) => (uint)((ulong)a * b >> 32); }

readonly struct MulHighS32 : IEach<int, int, int> { public static int Do(int a, int b) => (int)((long)a * b >> 32); }

readonly struct MulHighU64 : IEach<ulong, ulong, ulong> { public static ulong Do(ulong a, ulong b) => Math.BigMul(a, b, out _); }

readonly struct MulHighS64 : IEach<long, long, long> { public static long Do(long a, long b) => Math.BigMul(a, b, out _); }

readonly struct MulWideU16 : IEach<uint, uint, uint> { public static uint Do(uint a, uint b) => (uint)(ushort)a * (ushort)b; }

readonly struct MulWideS16 : IEach<int, int, int> { public static int Do(int a, int b) => (short)a * (short)b; }

readonly struct MulAddWideU32 : IEach<ulong, uint, uint, ulong> { public static ulong Do(uint a, uint b, ulong c) => (ulong)a * b + c; }

readonly struct MulAddWideS32 : IEach<long, int, int, long> { public static long Do(int a, int b, long c) => (long)a * b + c; }

readonly struct MulAddHighU32 : IEach<uint, uint, uint, uint> { public static uint Do(uint a, uint b, uint c) => MulHighU32.Do(a, b) + c; }

readonly struct MulAddHighS32 : IEach<int, int, int, int> { public static int Do(int a, int b, int c) => MulHighS32.Do(a, b) + c; }

readonly struct SumOfDifferences<T> : IEach<T, T, T, T> where T : IBinaryInteger<T> { public static T Do(T a, T b, T c) => c + (a < b ? b - a : a - b); }

/// <summary>The sum of four products of bytes, and <c>c</c>.</summary>
readonly struct DotBytes<TA, TB> : IEach<uint, uint, uint, uint> where TA : IInteger where TB : IInteger
{
    public static uint Do(uint a, uint b, uint c)
    {
        for (var k = 0; k < 32; k += 8) c += (uint)(TA.Do(a >> k, 0, 0) * TB.Do(b >> k, 0, 0));
        return c;
    }
}

readonly struct LowByte : IInteger { public static long Do(long a, long b, long c) => (byte)a; }

readonly struct LowSignedByte : IInteger { public static long Do(long a, long b, long c) => (sbyte)a; }
