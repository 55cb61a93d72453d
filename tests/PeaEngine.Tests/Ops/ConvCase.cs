namespace PeaEngine.Tests.Ops;

/// <summary>What a case convolves.</summary>
sealed record ConvCase(int Batch, int Height, int Width, int In, int Out, int Kernel = 3, int Stride = 1, int Padding = 1, int UpHeight = 0, int UpWidth = 0, int Below = 1)
{
    /// <summary>One of every kind: edges, many channels, strides, upsampling, no window.</summary>
    public static readonly ConvCase[] All =
    [
        new(1, 1, 1, 1, 1), new(2, 8, 8, 4, 64), new(1, 8, 9, 9, 33), new(2, 8, 8, 64, 4), new(1, 17, 5, 3, 128), new(1, 12, 7, 130, 3), new(1, 3, 3, 1281, 17),
        new(2, 16, 16, 32, 32), new(1, 13, 11, 96, 64), new(2, 1, 30, 16, 32), new(1, 30, 2, 16, 40), new(1, 40, 40, 17, 19), new(1, 6, 6, 192, 192),
        // Winograd with more depth, and with more tiles, than it takes at a time.
        new(1, 8, 8, 353, 40), new(2, 112, 111, 64, 17),
        // Strided: symmetric padding, and diffusers' encoder, which pads below and to the right only.
        new(1, 8, 8, 32, 48, Stride: 2), new(2, 9, 7, 20, 32, Stride: 2), new(1, 8, 8, 32, 32, Stride: 2, Padding: 0), new(1, 7, 9, 5, 3, Stride: 2, Padding: 0),
        // Upsampled: by two, and to sizes that are no multiple.
        new(1, 4, 4, 32, 32, UpHeight: 8, UpWidth: 8), new(2, 5, 6, 16, 33, UpHeight: 9, UpWidth: 13), new(1, 4, 4, 64, 64, UpHeight: 7, UpWidth: 7),
        // Without a kernel's window, and without padding.
        new(1, 5, 5, 48, 64, 1, Padding: 0, Below: 0), new(1, 9, 9, 24, 24, Padding: 0, Below: 0), new(1, 9, 9, 24, 24, 1, Stride: 2, Padding: 0, Below: 0),
    ];

    public int OutHeight => ((UpHeight == 0 ? Height : UpHeight) + Padding + Below - Kernel) / Stride + 1;

    public int OutWidth => ((UpWidth == 0 ? Width : UpWidth) + Padding + Below - Kernel) / Stride + 1;

    public Conv2dGeometry Geometry => new(Stride, Padding, UpHeight, UpWidth);

    /// <summary>Every output pixel, the input pixel that it sees and through which tap.</summary>
    public void ForEachTap(Action<int, int, int> handle)
    {
        int height = UpHeight == 0 ? Height : UpHeight, width = UpWidth == 0 ? Width : UpWidth;
        for (var output = 0; output < Batch * OutHeight * OutWidth; output++)
        {
            int ox = output % OutWidth, oy = output / OutWidth % OutHeight, image = output / OutWidth / OutHeight;
            for (var tap = 0; tap < Kernel * Kernel; tap++)
            {
                int iy = oy * Stride + tap / Kernel - Padding, ix = ox * Stride + tap % Kernel - Padding;
                if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                handle(output, (image * Height + iy * Height / height) * Width + ix * Width / width, tap);
            }
        }
    }
}
