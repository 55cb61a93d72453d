using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// A product of one or two rows, as embeddings of time are. Packing the weights would cost more than multiplying them: sums run along
/// the rows of the weights as they are stored, each weight converted once for both rows. An item is <see cref="Columns"/> columns.
/// </summary>
readonly unsafe struct DotJob<T, S, V>(float* x, int rows, WeightColumns weights, GemmEpilogue epilogue) : IParallelJob
    where T : struct, IStored where S : struct, ISimd<V> where V : unmanaged
{
    /// <summary>Columns of an item.</summary>
    public const int Columns = 16;

    /// <summary>The most rows.</summary>
    public const int MaxRows = 2;

    [SkipLocalsInit]
    public void Run(int index, int worker)
    {
        float* product = stackalloc float[MaxRows * Columns], gate = stackalloc float[MaxRows * Columns];
        int width = epilogue.Gated ? weights.Count / 2 : weights.Count, column = index * Columns, columns = Math.Min(Columns, width - column);
        Dots(column, columns, product);
        if (epilogue.Gated) Dots(width + column, columns, gate);
        epilogue.Finish<S, V>(0, rows, column, columns, product, gate, Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Dots(int first, int count, float* sums)
    {
        float* x0 = x, x1 = rows == 1 ? x : x + weights.Length;
        int length = weights.Length, whole = length / S.Width * S.Width, last = first + count - 1;
        for (var i = 0; i < count; i += 4)
        {
            // Four columns at a time; where there are fewer, the last one again.
            byte* w0 = weights.At(first + i, 0), w1 = weights.At(Math.Min(first + i + 1, last), 0);
            byte* w2 = weights.At(Math.Min(first + i + 2, last), 0), w3 = weights.At(Math.Min(first + i + 3, last), 0);
            V a0 = S.Create(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            V u, v, w;
            for (var k = 0; k < whole; k += S.Width)
            {
                var at = (nint)k * T.Bytes;
                (u, v, w) = (S.Load(x0 + k), S.Load(x1 + k), T.Load<S, V>(w0 + at));
                (a0, b0, w) = (S.Fma(w, u, a0), S.Fma(w, v, b0), T.Load<S, V>(w1 + at));
                (a1, b1, w) = (S.Fma(w, u, a1), S.Fma(w, v, b1), T.Load<S, V>(w2 + at));
                (a2, b2, w) = (S.Fma(w, u, a2), S.Fma(w, v, b2), T.Load<S, V>(w3 + at));
                (a3, b3) = (S.Fma(w, u, a3), S.Fma(w, v, b3));
            }
            if (whole < length)
            {
                var at = (nint)whole * T.Bytes;
                var rest = length - whole;
                (u, v, w) = (S.Load(x0 + whole, rest), S.Load(x1 + whole, rest), T.Load<S, V>(w0 + at, rest));
                (a0, b0, w) = (S.Fma(w, u, a0), S.Fma(w, v, b0), T.Load<S, V>(w1 + at, rest));
                (a1, b1, w) = (S.Fma(w, u, a1), S.Fma(w, v, b1), T.Load<S, V>(w2 + at, rest));
                (a2, b2, w) = (S.Fma(w, u, a2), S.Fma(w, v, b2), T.Load<S, V>(w3 + at, rest));
                (a3, b3) = (S.Fma(w, u, a3), S.Fma(w, v, b3));
            }
            float* top = sums + i, below = top + Columns;
            (top[0], top[1], top[2], top[3]) = (S.Sum(a0), S.Sum(a1), S.Sum(a2), S.Sum(a3));
            (below[0], below[1], below[2], below[3]) = (S.Sum(b0), S.Sum(b1), S.Sum(b2), S.Sum(b3));
        }
    }
}
