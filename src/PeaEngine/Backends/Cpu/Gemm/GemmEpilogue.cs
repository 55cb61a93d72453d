using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>What happens to a product on its way out: bias, activation (of the gate, where there is one), an image's shift, residual.</summary>
readonly unsafe struct GemmEpilogue(Tensor y, Tensor? bias, Activation activation, Tensor? shift, Tensor? residual, bool gated)
{
    readonly float* y = (float*)y.Address, bias = Address(bias), shift = Address(shift), residual = Address(residual);
    readonly int width = y.Shape[-1], rowsPerImage = shift is { } s ? y.Shape.Rows / s.Shape[0] : 0;

    /// <summary>Whether columns are value · activation(gate) of two products.</summary>
    public bool Gated => gated;

    /// <summary>Whether the bare product can be written to the output first, without losing anything.</summary>
    public bool CanWaitInOutput => !gated && residual != y;

    /// <summary>Whether there is nothing to do but to store.</summary>
    public bool IsEmpty => !gated && bias == null && shift == null && residual == null && activation == Activation.None;

    /// <summary>Floats from row to row of the output.</summary>
    public nint Stride => width;

    /// <summary>The output's element.</summary>
    public float* At(int row, int column) => y + (nint)row * width + column;

    /// <summary>Asks for the memory that a piece of a row will be written to, and for its residual.</summary>
    public void Fetch(int row, int column, int columns)
    {
        var at = (nint)row * width + column;
        for (var i = 0; i < columns; i += Prefetch.Line)
        {
            Prefetch.Fetch(y + at + i);
            if (residual != null && residual != y) Prefetch.Fetch(residual + at + i);
        }
    }

    /// <summary>Writes a tile of the output.</summary>
    /// <param name="row">The tile's first row.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="column">Its first column.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="product">Its product [rows, columns].</param>
    /// <param name="gate">Its gates' product [rows, columns], if gated.</param>
    /// <param name="stride">Floats from row to row of the product.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Finish<S, V>(int row, int rows, int column, int columns, float* product, float* gate, nint stride)
        where S : struct, ISimd<V> where V : unmanaged
    {
        for (var r = row; r < row + rows; r++, product += stride, gate += stride)
        {
            var image = shift == null ? null : shift + (nint)(r / rowsPerImage) * width;
            var at = (nint)r * width;
            for (var i = 0; i < columns; i += S.Width)
            {
                int n = column + i, count = Math.Min(S.Width, columns - i);
                if (count == S.Width) S.Store(y + at + n, Apply<S, V>(S.Load(product + i), gate + i, n, image, at + n, S.Width, whole: true));
                else S.Store(y + at + n, Apply<S, V>(S.Load(product + i, count), gate + i, n, image, at + n, count, whole: false), count);
            }
        }
    }

    /// <summary>Writes a vector of the output, not gated.</summary>
    /// <param name="row">Its row.</param>
    /// <param name="column">Its first column.</param>
    /// <param name="product">Its product.</param>
    /// <param name="count">Columns that there are.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put<S, V>(int row, int column, V product, int count) where S : struct, ISimd<V> where V : unmanaged
    {
        var image = shift == null ? null : shift + (nint)(row / rowsPerImage) * width;
        var at = (nint)row * width + column;
        if (count == S.Width) S.Store(y + at, Apply<S, V>(product, null, column, image, at, S.Width, whole: true));
        else S.Store(y + at, Apply<S, V>(product, null, column, image, at, count, whole: false), count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    V Apply<S, V>(V value, float* gate, int n, float* image, nint at, int count, bool whole) where S : struct, ISimd<V> where V : unmanaged
    {
        if (bias != null) value = S.Add(value, Load<S, V>(bias + n, count, whole));
        if (gated)
        {
            var factor = Load<S, V>(gate, count, whole);
            if (bias != null) factor = S.Add(factor, Load<S, V>(bias + width + n, count, whole));
            return S.Mul(value, VectorMath.Activate<S, V>(factor, activation));
        }
        value = VectorMath.Activate<S, V>(value, activation);
        if (image != null) value = S.Add(value, Load<S, V>(image + n, count, whole));
        return residual == null ? value : S.Add(value, Load<S, V>(residual + at, count, whole));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Load<S, V>(float* source, int count, bool whole) where S : struct, ISimd<V> where V : unmanaged => whole ? S.Load(source) : S.Load(source, count);

    static float* Address(Tensor? tensor) => tensor is { } t ? (float*)t.Address : null;
}
