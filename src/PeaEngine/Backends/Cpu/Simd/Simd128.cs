using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace PeaEngine.Backends;

/// <summary><see cref="CpuIsa.Portable"/>.</summary>
readonly unsafe struct Simd128 : ISimd<Vector128<float>>
{
    public static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source, int count) => count switch
    {
        0 => Vector128<float>.Zero,
        1 => Vector128.CreateScalar(source[0]),
        2 => Vector128.Create(source[0], source[1], 0, 0),
        3 => Vector128.Create(source[0], source[1], source[2], 0),
        _ => Vector128.Load(source),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector128<float> value) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector128<float> value, int count)
    {
        if (count == Width) value.Store(destination);
        else for (var i = 0; i < count; i++) destination[i] = value.GetElement(i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadF16(ushort* source)
    {
        var bits = Widen(source);
        var magnitude = (bits & Vector128.Create(0x7fff)) << 13;
        var sign = (bits & Vector128.Create(0x8000)) << 16;
        var normal = magnitude + Vector128.Create(112 << 23);
        var special = magnitude + Vector128.Create(224 << 23);
        var subnormal = (magnitude + Vector128.Create(113 << 23)).AsSingle() - Vector128.Create(113 << 23).AsSingle();
        var value = Vector128.ConditionalSelect(Vector128.LessThan(magnitude, Vector128.Create(1 << 23)), subnormal.AsInt32(), normal);
        value = Vector128.ConditionalSelect(Vector128.LessThan(magnitude, Vector128.Create(31 << 23)), value, special);
        return (value | sign).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadBF16(ushort* source) => (Widen(source) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreF16(ushort* destination, Vector128<float> value)
    {
        // Halves are rounded by an addition: of a number whose last bit is worth as much as a subnormal half's, or of just
        // less than half of the last bit that stays, and one more if that is odd.
        var bits = value.AsUInt32();
        var magnitude = bits & Vector128.Create(0x7fffffffu);
        var sign = (bits >> 16) & Vector128.Create(0x8000u);
        var subnormal = (magnitude.AsSingle() + Vector128.Create(0.5f)).AsUInt32() - Vector128.Create(126u << 23);
        var normal = (magnitude + Vector128.Create(0xc8000fffu) + ((magnitude >> 13) & Vector128.Create(1u))) >> 13;
        var special = Vector128.ConditionalSelect(Vector128.GreaterThan(magnitude, Vector128.Create(0x7f800000u)), Vector128.Create(0x7e00u), Vector128.Create(0x7c00u));
        var half = Vector128.ConditionalSelect(Vector128.LessThan(magnitude, Vector128.Create(113u << 23)), subnormal, normal);
        half = Vector128.ConditionalSelect(Vector128.LessThan(magnitude, Vector128.Create(143u << 23)), half, special) | sign;
        Vector128.Narrow(half, half).GetLower().Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBF16(ushort* destination, Vector128<float> value)
    {
        var bits = value.AsUInt32();
        var rounded = (bits + Vector128.Create(0x7fffu) + ((bits >> 16) & Vector128.Create(1u))) >> 16;
        var nan = Vector128.GreaterThan(bits & Vector128.Create(0x7fffffffu), Vector128.Create(0x7f800000u));
        var half = Vector128.ConditionalSelect(nan, (bits >> 16) | Vector128.Create(0x40u), rounded);
        Vector128.Narrow(half, half).GetLower().Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sub(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Mul(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Div(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Fma(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FusedNegate(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.MultiplyAddEstimate(-a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(Vector128.LessThan(a, b), a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> a) => Vector128.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sqrt(Vector128<float> a) => Vector128.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Round(Vector128<float> a) =>
        // 1.5 · 2²³: there the last bit is worth one.
        a + Vector128.Create(12582912f) - Vector128.Create(12582912f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Scale(Vector128<float> a, Vector128<float> n)
    {
        // In two steps, since 2ⁿ itself may be out of range.
        var whole = Vector128.ConvertToInt32(n);
        var half = whole >> 1;
        return a * ((half + Vector128.Create(127)) << 23).AsSingle() * ((whole - half + Vector128.Create(127)) << 23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> a)
    {
        var pairs = a + Vector128.Shuffle(a, Vector128.Create(2, 3, 0, 1));
        return pairs.GetElement(0) + pairs.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector128<float> a)
    {
        var pairs = Max(a, Vector128.Shuffle(a, Vector128.Create(2, 3, 0, 1)));
        return Max(pairs, Vector128.Shuffle(pairs, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<int> Widen(ushort* source) => Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsUInt16()).AsInt32();
}
