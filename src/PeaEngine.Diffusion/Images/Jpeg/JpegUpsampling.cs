using System.Runtime.Intrinsics;

namespace PeaEngine.Diffusion.Images;

/// <summary>
/// A component's samples at the picture's size, row by row, as libjpeg-turbo's <c>jdsample.c</c> makes them with "fancy upsampling": where a
/// factor is two, 3/4 of the nearer sample and 1/4 of the farther; otherwise, and across fewer than three samples, each sample repeated.
/// </summary>
sealed class JpegUpsampling
{
    readonly JpegComponent component;
    readonly int across, down;
    readonly byte[] row;

    /// <summary>What is to be widened, with the edges' values once more beyond them.</summary>
    readonly ushort[] sums;

    /// <summary>Prepares for a frame's component.</summary>
    public JpegUpsampling(JpegFrame frame, JpegComponent component)
    {
        this.component = component;
        (across, down) = (frame.MaxAcross / component.Across, frame.MaxDown / component.Down);
        row = new byte[component.Width * across];
        sums = new ushort[component.Width + 2];
    }

    /// <summary>The row <paramref name="y"/> of the picture, at least as long as the picture is wide; good until the next call.</summary>
    public ReadOnlySpan<byte> Row(int y)
    {
        var near = Source(y / down);
        if (across == 1 && down == 1) return near;
        // The farther row is the one above for the upper of two rows, the one below for the lower; beyond an edge it is the edge.
        var far = Source(Math.Clamp(y / down + (y % 2 == 0 ? -1 : 1), 0, component.Height - 1));
        switch (across, down)
        {
            case (2, 1) when component.Width > 2:
                for (var x = 0; x < near.Length; x++) sums[x + 1] = near[x];
                Widen(1, 2, 2);
                break;
            case (1, 2):
                for (var x = 0; x < row.Length; x++) row[x] = (byte)((3 * near[x] + far[x] + (y % 2 == 0 ? 1 : 2)) >> 2);
                break;
            case (2, 2) when component.Width > 2:
                for (var x = 0; x < near.Length; x++) sums[x + 1] = (ushort)(3 * near[x] + far[x]);
                Widen(8, 7, 4);
                break;
            default:
                for (var x = 0; x < near.Length; x++) row.AsSpan(x * across, across).Fill(near[x]);
                break;
        }
        return row;
    }

    ReadOnlySpan<byte> Source(int y) => component.Samples.AsSpan(y * component.Stride, component.Width);

    /// <summary>Of each sum and its neighbours two samples, rounded by two biases.</summary>
    void Widen(ushort left, ushort right, int shift)
    {
        (sums[0], sums[^1]) = (sums[1], sums[^2]);
        var x = 0;
        for (; x <= component.Width - Vector256<ushort>.Count; x += Vector256<ushort>.Count)
        {
            var near = Vector256.Create<ushort>(sums.AsSpan(x + 1)) * 3;
            var before = (near + Vector256.Create<ushort>(sums.AsSpan(x)) + Vector256.Create(left)) >> shift;
            var after = (near + Vector256.Create<ushort>(sums.AsSpan(x + 2)) + Vector256.Create(right)) >> shift;
            (before | (after << 8)).AsByte().CopyTo(row.AsSpan(2 * x));
        }
        for (; x < component.Width; x++)
        {
            var near = 3 * sums[x + 1];
            row[2 * x] = (byte)((near + sums[x] + left) >> shift);
            row[2 * x + 1] = (byte)((near + sums[x + 2] + right) >> shift);
        }
    }
}
