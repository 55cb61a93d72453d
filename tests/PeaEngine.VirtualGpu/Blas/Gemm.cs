using System.Runtime.Intrinsics;
using PeaEngine.Cuda.Sys;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;

namespace PeaEngine.VirtualGpu.Blas;

/// <summary>A matrix in device memory, column by column.</summary>
/// <param name="Address">Of the first element.</param>
/// <param name="Type">Of the elements.</param>
/// <param name="Rows">Elements of a column.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Leading">Elements from column to column.</param>
readonly record struct Matrix(nint Address, cudaDataType Type, long Rows, long Columns, long Leading)
{
    public int ElementBytes => Type == cudaDataType.CUDA_R_32F ? 4 : 2;

    /// <summary>Bytes from the first element to the end of the last.</summary>
    public long Extent => Rows == 0 || Columns == 0 ? 0 : ((Columns - 1) * Leading + Rows) * ElementBytes;
}

/// <summary>A product: D = alpha · op(A) · op(B) + beta · C, and a bias a row, of D's type. The halves of each sum may be rounded to D's type before they are added.</summary>
sealed record Gemm(bool TransposeA, bool TransposeB, Matrix A, Matrix B, Matrix C, Matrix D, float Alpha, float Beta, nint Bias, bool RoundsPartialSums)
{
    long Inner => TransposeA ? A.Rows : A.Columns;

    /// <summary>What the library would refuse, or null.</summary>
    public string? Problem()
    {
        var (m, n) = (TransposeA ? A.Columns : A.Rows, TransposeB ? B.Rows : B.Columns);
        if (m <= 0 || n <= 0 || Inner <= 0) return $"a product of [{m},{Inner}] and [{Inner},{n}]: expected positive extents";
        if ((TransposeB ? B.Columns : B.Rows) != Inner) return $"op(A) has {Inner} columns, op(B) {(TransposeB ? B.Columns : B.Rows)} rows";
        if ((C.Rows, C.Columns) != (m, n) || (D.Rows, D.Columns) != (m, n)) return $"C is [{C.Rows},{C.Columns}] and D [{D.Rows},{D.Columns}], expected [{m},{n}]";
        // The documentation's table for sums in F32; a bias, whose type is nowhere told here, is of D's type in all of its rows.
        if (A.Type != B.Type || C.Type != D.Type || D.Type != A.Type && D.Type != cudaDataType.CUDA_R_32F) return $"types {A.Type}, {B.Type}, {C.Type}, {D.Type}";
        foreach (var (name, matrix) in new[] { ("A", A), ("B", B), ("C", C), ("D", D) })
        {
            if (!Enum.IsDefined(matrix.Type)) return $"{name} of type {matrix.Type}";
            if (matrix.Leading < matrix.Rows) return $"the leading dimension {matrix.Leading} of {name} is less than its {matrix.Rows} rows";
            if (matrix.Address % matrix.ElementBytes != 0) return $"{name} begins at 0x{matrix.Address:x}, which its elements do not";
        }
        return null;
    }

    /// <summary>Computes it. What it reads must have been written, all of it must be in bounds.</summary>
    public void Run(DeviceMemory memory)
    {
        var (m, n, k) = ((int)D.Rows, (int)D.Columns, (int)Inner);
        // Both with k innermost.
        var a = Load(memory, A, TransposeA);
        var bt = Load(memory, B, !TransposeB);
        var c = Beta == 0 ? null : Load(memory, C, true);
        var bias = Bias == 0 ? null : Load(memory, new(Bias, D.Type, D.Rows, 1, D.Rows), true);
        var result = new float[(long)m * n];
        Parallel.For(0, n, column =>
        {
            for (var row = 0; row < m; row++)
            {
                var value = Alpha * Sum(a.AsSpan(row * k, k), bt.AsSpan(column * k, k));
                if (c is not null) value += Beta * c[column * m + row];
                if (bias is not null) value += bias[row];
                result[column * m + row] = value;
            }
        });
        Store(memory, D, result);
    }

    float Sum(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        if (!RoundsPartialSums) return Dot(a, b);
        var half = a.Length / 2;
        return Rounded(Dot(a[..half], b[..half])) + Rounded(Dot(a[half..], b[half..]));
    }

    float Rounded(float value) => D.Type switch
    {
        cudaDataType.CUDA_R_32F => value,
        cudaDataType.CUDA_R_16F => Rounding.FromHalf(Rounding.ToHalf(value, RoundingMode.Nearest)),
        _ => Rounding.FromBFloat16(Rounding.ToBFloat16(value, RoundingMode.Nearest)),
    };

    static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sums = Vector512<float>.Zero;
        var at = 0;
        for (; at <= a.Length - Vector512<float>.Count; at += Vector512<float>.Count)
            sums = Vector512.FusedMultiplyAdd(Vector512.Create(a[at..]), Vector512.Create(b[at..]), sums);
        var sum = Vector512.Sum(sums);
        for (; at < a.Length; at++) sum = MathF.FusedMultiplyAdd(a[at], b[at], sum);
        return sum;
    }

    /// <summary>A matrix as singles: columns one after the other, or rows.</summary>
    static float[] Load(DeviceMemory memory, Matrix matrix, bool byColumns)
    {
        var values = new float[matrix.Rows * matrix.Columns];
        var column = new byte[matrix.Rows * matrix.ElementBytes];
        for (long c = 0; c < matrix.Columns; c++)
        {
            var address = (ulong)matrix.Address + (ulong)(c * matrix.Leading * matrix.ElementBytes);
            memory.ExpectWritten(address, column.Length);
            memory.Read(address, column);
            for (long r = 0; r < matrix.Rows; r++) values[byColumns ? c * matrix.Rows + r : r * matrix.Columns + c] = Element(column, (int)r, matrix.Type);
        }
        return values;
    }

    static void Store(DeviceMemory memory, Matrix matrix, float[] values)
    {
        var column = new byte[matrix.Rows * matrix.ElementBytes];
        for (long c = 0; c < matrix.Columns; c++)
        {
            for (var r = 0; r < matrix.Rows; r++)
            {
                var value = values[c * matrix.Rows + r];
                if (matrix.Type == cudaDataType.CUDA_R_32F) BitConverter.TryWriteBytes(column.AsSpan(4 * r), value);
                else BitConverter.TryWriteBytes(column.AsSpan(2 * r), matrix.Type == cudaDataType.CUDA_R_16F ? Rounding.ToHalf(value, RoundingMode.Nearest) : Rounding.ToBFloat16(value, RoundingMode.Nearest));
            }
            memory.Write((ulong)matrix.Address + (ulong)(c * matrix.Leading * matrix.ElementBytes), column);
        }
    }

    static float Element(byte[] bytes, int index, cudaDataType type) => type switch
    {
        cudaDataType.CUDA_R_32F => BitConverter.ToSingle(bytes, 4 * index),
        cudaDataType.CUDA_R_16F => Rounding.FromHalf(BitConverter.ToUInt16(bytes, 2 * index)),
        _ => Rounding.FromBFloat16(BitConverter.ToUInt16(bytes, 2 * index)),
    };
}
