using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>
/// The matrix that a convolution multiplies its weights with: a row an output pixel, its columns the channels of the pixels
/// under the kernel, [kh, kw, C]. It is never stored: rows are gathered piece by piece, through stride, padding and upsampling.
/// </summary>
readonly unsafe struct ImageRows(ConvShape shape, float* x) : IGemmRows
{
    public void Pack(int row, int count, int k, int depth, float* to, nint stride)
    {
        int firstTap = k / shape.InChannels, firstChannel = k - firstTap * shape.InChannels;
        for (var r = row; r < row + count; r++, to += stride)
        {
            int line = r / shape.OutWidth, image = line / shape.OutHeight;
            int top = (line - image * shape.OutHeight) * shape.Stride - shape.Padding, left = (r - line * shape.OutWidth) * shape.Stride - shape.Padding;
            var from = x + (nint)image * shape.Height * shape.Width * shape.InChannels;
            int ky = firstTap / shape.Kernel, kx = firstTap - ky * shape.Kernel, channel = firstChannel;
            for (var done = 0; done < depth;)
            {
                var run = Math.Min(shape.InChannels - channel, depth - done);
                int iy = shape.SourceY(top + ky), ix = shape.SourceX(left + kx);
                if ((iy | ix) < 0) new Span<float>(to + done, run).Clear();
                else Copy(from + ((nint)iy * shape.Width + ix) * shape.InChannels + channel, to + done, run);
                done += run;
                channel = 0;
                if (++kx == shape.Kernel) (kx, ky) = (0, ky + 1);
            }
        }
    }

    // Pixels lie one behind another: the processor foresees them.
    public void Fetch(int row, int count, int k, int depth, int part, int parts) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Copy(float* from, float* to, int count)
    {
        // A call costs more than a pixel of the edge layers' three or four channels.
        if (count < 16) for (var i = 0; i < count; i++) to[i] = from[i];
        else Unsafe.CopyBlockUnaligned(to, from, (uint)count * sizeof(float));
    }
}
