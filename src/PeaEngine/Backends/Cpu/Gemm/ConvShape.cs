using System.Runtime.CompilerServices;

namespace PeaEngine.Backends;

/// <summary>The extents of a convolution over [Batch, Height, Width, InChannels], with the index map from padded and upsampled to stored pixels.</summary>
readonly struct ConvShape
{
    public ConvShape(Tensor x, Tensor weight, Tensor y, Conv2dGeometry geometry)
    {
        (Batch, Height, Width, InChannels) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        (OutHeight, OutWidth, OutChannels) = (y.Shape[1], y.Shape[2], y.Shape[3]);
        (Kernel, Stride, Padding) = (weight.Shape[1], geometry.Stride, geometry.Padding);
        ResizedHeight = geometry.InputHeight == 0 ? Height : geometry.InputHeight;
        ResizedWidth = geometry.InputWidth == 0 ? Width : geometry.InputWidth;
    }

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

    /// <summary>The height that x is resized to before the convolution.</summary>
    public int ResizedHeight { get; }

    /// <summary>The width that x is resized to before the convolution.</summary>
    public int ResizedWidth { get; }

    /// <summary>Whether output pixels are input pixels, one by one.</summary>
    public bool IsPointwise => Kernel == 1 && Stride == 1 && Padding == 0 && ResizedHeight == Height && ResizedWidth == Width;

    /// <summary>The stored line of a line of the resized image, −1 outside of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SourceY(int y) => (uint)y >= (uint)ResizedHeight ? -1 : ResizedHeight == Height ? y : (int)((long)y * Height / ResizedHeight);

    /// <summary>The stored column of a column of the resized image, −1 outside of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int SourceX(int x) => (uint)x >= (uint)ResizedWidth ? -1 : ResizedWidth == Width ? x : (int)((long)x * Width / ResizedWidth);
}
