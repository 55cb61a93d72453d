namespace PeaEngine.Backends;

/// <summary>
/// What a kernel needs of a vector of singles, so that it is written once for all instruction sets: <c>Run&lt;S, V&gt;()</c> with
/// <c>S</c> the instruction set and <c>V</c> its vector. Both are structs, so that the JIT compiles each pair by itself and
/// every member becomes the instruction it stands for.
/// </summary>
/// <typeparam name="V">The vector.</typeparam>
unsafe interface ISimd<V> where V : unmanaged
{
    /// <summary>Elements of a vector.</summary>
    static abstract int Width { get; }

    /// <summary>All elements <paramref name="value"/>.</summary>
    static abstract V Create(float value);

    /// <summary>Width elements at any address.</summary>
    static abstract V Load(float* source);

    /// <summary>The first <paramref name="count"/> elements, 0 to Width, and zeros; it reads no further.</summary>
    static abstract V Load(float* source, int count);

    /// <summary>Width elements to any address.</summary>
    static abstract void Store(float* destination, V value);

    /// <summary>The first <paramref name="count"/> elements, 0 to Width; it writes no further.</summary>
    static abstract void Store(float* destination, V value, int count);

    /// <summary>Width IEEE halves as singles: exact, subnormals, infinities and NaN too.</summary>
    static abstract V LoadF16(ushort* source);

    /// <summary>Width bfloat16 values as singles: exact.</summary>
    static abstract V LoadBF16(ushort* source);

    /// <summary>Width IEEE halves, rounded to nearest, ties to even; NaN stays NaN.</summary>
    static abstract void StoreF16(ushort* destination, V value);

    /// <summary>Width bfloat16 values, rounded to nearest, ties to even; NaN stays NaN.</summary>
    static abstract void StoreBF16(ushort* destination, V value);

    /// <summary>a + b</summary>
    static abstract V Add(V a, V b);

    /// <summary>a − b</summary>
    static abstract V Sub(V a, V b);

    /// <summary>a · b</summary>
    static abstract V Mul(V a, V b);

    /// <summary>a / b</summary>
    static abstract V Div(V a, V b);

    /// <summary>a · b + c, rounded once where the processor can.</summary>
    static abstract V Fma(V a, V b, V c);

    /// <summary>c − a · b, rounded once where the processor can.</summary>
    static abstract V FusedNegate(V a, V b, V c);

    /// <summary>a &lt; b ? a : b, so b where either is NaN.</summary>
    static abstract V Min(V a, V b);

    /// <summary>a &gt; b ? a : b, so b where either is NaN.</summary>
    static abstract V Max(V a, V b);

    /// <summary>|a|</summary>
    static abstract V Abs(V a);

    /// <summary>√a, rounded to nearest.</summary>
    static abstract V Sqrt(V a);

    /// <summary>The nearest integer, ties to even; |a| at most 2²².</summary>
    static abstract V Round(V a);

    /// <summary>a · 2ⁿ for whole n from −252 to 254; results outside of single precision become 0 or infinity.</summary>
    static abstract V Scale(V a, V n);

    /// <summary>The sum of the elements, in pairs.</summary>
    static abstract float Sum(V a);

    /// <summary>The largest element.</summary>
    static abstract float Max(V a);
}
