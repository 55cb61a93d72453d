using System.Globalization;

namespace PeaEngine.Diffusion.Images;

/// <summary>The two thresholds of <see cref="Canny"/>, on |dx| + |dy|, which is at most 2040; their order does not matter.</summary>
/// <param name="Low">What continues an edge is above it.</param>
/// <param name="High">What begins an edge is above it.</param>
public readonly record struct CannyThresholds(int Low, int High)
{
    /// <summary>Reads <c>100,200</c>; null where it is something else.</summary>
    public static CannyThresholds? Parse(string text) =>
        text.Split(',') is [var low, var high] && int.TryParse(low, NumberStyles.Integer, CultureInfo.InvariantCulture, out var first) && int.TryParse(high, NumberStyles.Integer, CultureInfo.InvariantCulture, out var second)
            ? new CannyThresholds(first, second)
            : null;

    /// <summary>As in <c>100,200</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Low},{High}");
}

/// <summary>
/// OpenCV's <c>Canny</c> with its default arguments, to the bit: Sobel gradients of 3×3 pixels over replicated borders, the norm |dx| + |dy|, and of
/// several channels the gradient with the largest norm.
/// </summary>
public static class Canny
{
    const int Shift = 15;

    /// <summary>tan 22.5° in fixed point; tan 67.5° is 2 more.</summary>
    const int Tan22 = (int)(0.4142135623730950488016887242097 * (1 << Shift) + 0.5);

    /// <summary>The four ways in which a gradient can point, up to its sign.</summary>
    const byte Horizontal = 0, Vertical = 1, Falling = 2, Rising = 3;

    const byte None = 0, Candidate = 1, Edge = 2;

    /// <summary>The edges of a picture: a grey one of the same size, 255 on edges and 0 elsewhere.</summary>
    public static PixelImage Edges(PixelImage image, CannyThresholds thresholds)
    {
        int low = Math.Min(thresholds.Low, thresholds.High), high = Math.Max(thresholds.Low, thresholds.High);
        int width = image.Width, height = image.Height;
        // One pixel of border all round, of which every norm is 0 and none is an edge.
        var stride = width + 2;
        var norms = new ushort[checked(stride * (height + 2))];
        var (directions, states) = (new byte[norms.Length], new byte[norms.Length]);
        for (var y = 0; y < height; y++) Gradients(image, y, norms.AsSpan((y + 1) * stride + 1), directions.AsSpan((y + 1) * stride + 1));

        ReadOnlySpan<int> steps = [1, stride, stride + 1, stride - 1];
        var found = new Stack<int>();
        for (var y = 1; y <= height; y++)
            for (int at = y * stride + 1, end = at + width; at < end; at++)
            {
                var norm = norms[at];
                if (norm <= low) continue;
                int step = steps[directions[at]], before = norms[at - step], after = norms[at + step];
                if (norm <= before || norm < after || (norm == after && directions[at] >= Falling)) continue;
                states[at] = norm > high ? Edge : Candidate;
                if (norm > high) found.Push(at);
            }
        ReadOnlySpan<int> neighbours = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1];
        while (found.TryPop(out var at))
            foreach (var offset in neighbours)
            {
                if (states[at + offset] != Candidate) continue;
                states[at + offset] = Edge;
                found.Push(at + offset);
            }

        var edges = new PixelImage(width, height, 1);
        for (var y = 0; y < height; y++)
        {
            var row = edges.Row(y);
            for (var x = 0; x < width; x++) row[x] = states[(y + 1) * stride + 1 + x] == Edge ? byte.MaxValue : None;
        }
        return edges;
    }

    /// <summary>One row's norms and directions.</summary>
    static void Gradients(PixelImage image, int y, Span<ushort> norms, Span<byte> directions)
    {
        int width = image.Width, channels = image.Channels;
        ReadOnlySpan<byte> above = image.Row(Math.Max(y - 1, 0)), row = image.Row(y), below = image.Row(Math.Min(y + 1, image.Height - 1));
        for (var x = 0; x < width; x++)
        {
            int left = Math.Max(x - 1, 0) * channels, middle = x * channels, right = Math.Min(x + 1, width - 1) * channels;
            int dx = 0, dy = 0, norm = -1;
            for (var c = 0; c < channels; c++, left++, middle++, right++)
            {
                var horizontal = above[right] + 2 * row[right] + below[right] - above[left] - 2 * row[left] - below[left];
                var vertical = below[left] + 2 * below[middle] + below[right] - above[left] - 2 * above[middle] - above[right];
                var sum = Math.Abs(horizontal) + Math.Abs(vertical);
                if (sum > norm) (dx, dy, norm) = (horizontal, vertical, sum);
            }
            norms[x] = (ushort)norm;
            int scaled = Math.Abs(dy) << Shift, tan22 = Math.Abs(dx) * Tan22;
            directions[x] = scaled < tan22 ? Horizontal
                : scaled > tan22 + (Math.Abs(dx) << (Shift + 1)) ? Vertical
                : (dx ^ dy) < 0 ? Rising : Falling;
        }
    }
}
