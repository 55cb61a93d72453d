namespace PeaEngine.Diffusion.Schedulers;

/// <summary>Small dense systems of equations.</summary>
static class LinearSystem
{
    /// <summary>Gaussian elimination with row exchange.</summary>
    /// <param name="matrix">[n, n], overwritten</param>
    /// <param name="values">[n] the right side, overwritten by the solution</param>
    public static void Solve(Span<double> matrix, Span<double> values)
    {
        var n = values.Length;
        for (var column = 0; column < n; column++)
        {
            var pivot = column;
            for (var row = column + 1; row < n; row++)
                if (Math.Abs(matrix[row * n + column]) > Math.Abs(matrix[pivot * n + column])) pivot = row;
            for (var k = 0; k < n; k++) (matrix[column * n + k], matrix[pivot * n + k]) = (matrix[pivot * n + k], matrix[column * n + k]);
            (values[column], values[pivot]) = (values[pivot], values[column]);

            for (var row = 0; row < n; row++)
            {
                if (row == column) continue;
                var factor = matrix[row * n + column] / matrix[column * n + column];
                for (var k = column; k < n; k++) matrix[row * n + k] -= factor * matrix[column * n + k];
                values[row] -= factor * values[column];
            }
        }
        for (var i = 0; i < n; i++) values[i] /= matrix[i * n + i];
    }
}
