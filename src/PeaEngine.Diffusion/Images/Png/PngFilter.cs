namespace PeaEngine.Diffusion.Images;

/// <summary>The five filters of PNG's rows. A row before the first is zero, and so is what lies left of it.</summary>
static class PngFilter
{
    /// <summary>The number of filters.</summary>
    public const int Count = 5;

    /// <summary>Undoes filter <paramref name="filter"/> in place; false for a number that is none.</summary>
    public static bool Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        switch (filter)
        {
            case 0:
                return true;
            case 1:
                for (var i = step; i < row.Length; i++) row[i] += row[i - step];
                return true;
            case 2:
                for (var i = 0; i < row.Length; i++) row[i] += above[i];
                return true;
            case 3:
                for (var i = 0; i < row.Length; i++) row[i] += (byte)(((i < step ? 0 : row[i - step]) + above[i]) >> 1);
                return true;
            case 4:
                for (var i = 0; i < Math.Min(step, row.Length); i++) row[i] += above[i];
                for (var i = step; i < row.Length; i++) row[i] += Paeth(row[i - step], above[i], above[i - step]);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Applies a filter to a row of whole bytes.</summary>
    public static void Apply(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int step, Span<byte> filtered)
    {
        switch (filter)
        {
            case 0:
                row.CopyTo(filtered);
                break;
            case 1:
                row[..step].CopyTo(filtered);
                for (var i = step; i < row.Length; i++) filtered[i] = (byte)(row[i] - row[i - step]);
                break;
            case 2:
                for (var i = 0; i < row.Length; i++) filtered[i] = (byte)(row[i] - above[i]);
                break;
            case 3:
                for (var i = 0; i < row.Length; i++) filtered[i] = (byte)(row[i] - (((i < step ? 0 : row[i - step]) + above[i]) >> 1));
                break;
            default:
                for (var i = 0; i < step; i++) filtered[i] = (byte)(row[i] - above[i]);
                for (var i = step; i < row.Length; i++) filtered[i] = (byte)(row[i] - Paeth(row[i - step], above[i], above[i - step]));
                break;
        }
    }

    static byte Paeth(int left, int above, int corner)
    {
        var (toLeft, toAbove, toCorner) = (Math.Abs(above - corner), Math.Abs(left - corner), Math.Abs(left + above - 2 * corner));
        if (toLeft <= toAbove && toLeft <= toCorner) return (byte)left;
        return toAbove <= toCorner ? (byte)above : (byte)corner;
    }
}
