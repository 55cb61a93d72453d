using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>The extents of a convolution over [Batch, Height, Width, InChannels], with the index map from padded and upsampled to stored pixels.</summary>
readonly struct ConvShape
{
    public ConvShape(Tensor x, Tensor weight, Tensor y, Conv2dGeometry geometry)
    {
        (Batch, Height, Width, InChannels) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        (OutHeight, OutWidth, OutChannels) = (y.Shape[1], y.Shape[2], y.Shape[3]);
        (Kernel, Stride, Padding, Spread) = (weight.Shape[1], geometry.Stride, geometry.Padding, 1);
        ResizedHeight = geometry.InputHeight == 0 ? Height : geometry.InputHeight;
        ResizedWidth = geometry.InputWidth == 0 ? Width : geometry.InputWidth;
    }

    ConvShape(Tensor from, Tensor to, int kernel, int padding, int spread)
    {
        (Batch, Height, Width, InChannels) = (from.Shape[0], from.Shape[1], from.Shape[2], from.Shape[3]);
        (OutHeight, OutWidth, OutChannels) = (to.Shape[1], to.Shape[2], to.Shape[3]);
        (Kernel, Stride, Padding, Spread) = (kernel, 1, padding, spread);
        (ResizedHeight, ResizedWidth) = ((Height - 1) * spread + 1, (Width - 1) * spread + 1);
    }

    /// <summary>The convolution that gives the gradient of another's input: over dy, its pixels a stride apart with zeros between.</summary>
    public static ConvShape OfGradient(Tensor dy, Tensor weight, Tensor dx, Conv2dGeometry geometry) =>
        new(dy, dx, weight.Shape[1], weight.Shape[1] - 1 - geometry.Padding, geometry.Stride);

    public int Batch { get; }

    public int Height { get; }

    public int Width { get; }

    public int InChannels { get; }

    public int OutHeight { get; }

    public int OutWidth { get; }

    public int OutChannels { get; }

    public int Kernel { get; }

    public int Stride { get; }

    public int Padding { get; }

    /// <summary>How far apart the stored pixels lie in the convolved image, with zeros between: 1 but for gradients of strided convolutions.</summary>
    public int Spread { get; }

    /// <summary>The height that x is resized to before the convolution.</summary>
    public int ResizedHeight { get; }

    /// <summary>The width that x is resized to before the convolution.</summary>
    public int ResizedWidth { get; }

    /// <summary>Whether output pixels are input pixels, one by one.</summary>
    public bool IsPointwise => Kernel == 1 && Stride == 1 && Padding == 0 && ResizedHeight == Height && ResizedWidth == Width;

    /// <summary>The stored line of a line of the resized image, −1 outside of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SourceY(int y) => Source(y, Height, ResizedHeight);

    /// <summary>The stored column of a column of the resized image, −1 outside of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SourceX(int x) => Source(x, Width, ResizedWidth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int Source(int i, int stored, int resized) => (uint)i >= (uint)resized ? -1
        : resized == stored ? i
        : Spread == 1 ? (int)((long)i * stored / resized)
        : i % Spread == 0 ? i / Spread : -1;
}
