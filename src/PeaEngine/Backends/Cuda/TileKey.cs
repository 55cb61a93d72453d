using System.Globalization;

namespace PeaEngine.Backends;

/// <summary>What a tile is chosen for: a product of an op, its type and its size.</summary>
/// <param name="Op">The program in <c>kernels/</c>.</param>
/// <param name="Type">The type of its operands.</param>
/// <param name="Rows">Rows of outputs.</param>
/// <param name="Columns">Columns of outputs.</param>
/// <param name="Depth">How many products a sum has.</param>
readonly record struct TileKey(string Op, DType Type, int Rows, int Columns, int Depth)
{
    /// <summary>As it stands in a table: <c>conv2d F16 4096x320x2880</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Op} {Type} {Rows}x{Columns}x{Depth}");

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static TileKey? Parse(string text)
    {
        if (text.Split(' ') is not [{ Length: > 0 } op, var type, var size] || size.Split('x') is not [var rows, var columns, var depth]) return null;
        return Enum.TryParse<DType>(type, out var parsed) && Enum.IsDefined(parsed) && Extent(rows) is { } r && Extent(columns) is { } c && Extent(depth) is { } d ? new(op, parsed, r, c, d) : null;

        static int? Extent(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : null;
    }
}
