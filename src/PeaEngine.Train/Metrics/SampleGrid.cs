using PeaEngine.Diffusion.Images;

namespace PeaEngine.Train.Metrics;

/// <summary>Pictures side by side in one.</summary>
public static class SampleGrid
{
    const int Gap = 2;

    /// <summary>Pictures in rows, on white with a narrow gap between; cells are as large as the largest picture.</summary>
    /// <param name="pictures">One or more, in the order of reading.</param>
    /// <param name="columns">Pictures of a row.</param>
    /// <exception cref="PeaException">There is none, or no column, or the whole would be too large.</exception>
    public static PixelImage Tile(IReadOnlyList<PixelImage> pictures, int columns)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        if (pictures.Count == 0) throw new PeaException("grid: no pictures, expected one or more");
        if (columns < 1) throw new PeaException($"grid: {columns} columns, expected 1 or more");
        columns = Math.Min(columns, pictures.Count);
        int width = pictures.Max(picture => picture.Width) + Gap, height = pictures.Max(picture => picture.Height) + Gap, rows = (pictures.Count + columns - 1) / columns;
        var grid = new PixelImage(checked(columns * width - Gap), checked(rows * height - Gap));
        grid.Pixels.Fill(255);
        for (var i = 0; i < pictures.Count; i++)
        {
            var picture = pictures[i];
            for (var y = 0; y < picture.Height; y++)
            {
                var to = grid.Row(i / columns * height + y).Slice(i % columns * width * 3, picture.Width * 3);
                if (picture.Channels == 3) picture.Row(y).CopyTo(to);
                else
                    for (var x = 0; x < picture.Width; x++) to.Slice(3 * x, 3).Fill(picture.Row(y)[x]);
            }
        }
        return grid;
    }
}
