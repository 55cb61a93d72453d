using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>The sizes that pictures are brought to, so that those of a batch are alike; a picture goes to the size with the nearest aspect.</summary>
public sealed class AspectBuckets
{
    /// <summary>From here on the aspects differ too much: the published <c>MAX_AR_ERROR</c>.</summary>
    const double MaxAspectError = 2;

    readonly double[] aspects;

    /// <summary>Checks sizes.</summary>
    /// <exception cref="OptionException">There is none, or one has an extent below 8.</exception>
    public AspectBuckets(IReadOnlyList<PixelSize> sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        if (sizes.Count == 0) throw new OptionException("buckets: none, expected one or more sizes");
        foreach (var size in sizes)
            if (size.Width < 8 || size.Height < 8) throw new OptionException($"buckets: {size}, expected sizes of 8x8 or more");
        Sizes = sizes;
        aspects = [.. sizes.Select(Aspect)];
    }

    /// <summary>The nine that PEA-Diffusion was published with.</summary>
    public static IReadOnlyList<PixelSize> Published { get; } =
        [new(896, 448), new(832, 448), new(768, 512), new(704, 576), new(640, 640), new(576, 704), new(512, 768), new(448, 832), new(448, 896)];

    /// <summary>The sizes.</summary>
    public IReadOnlyList<PixelSize> Sizes { get; }

    /// <summary>The index of the size whose width / height is nearest to the picture's, the first of equals; null if none is nearly it, or covering it takes too many pixels.</summary>
    public int? Find(PixelSize picture)
    {
        var (aspect, best) = (Aspect(picture), 0);
        for (var i = 1; i < aspects.Length; i++)
            if (Math.Abs(aspects[i] - aspect) < Math.Abs(aspects[best] - aspect)) best = i;
        var (width, height) = CoverCrop.Cover(picture.Width, picture.Height, Sizes[best]);
        return Math.Abs(aspects[best] - aspect) < MaxAspectError && (long)width * height <= PixelImage.MaxPixels ? best : null;
    }

    /// <summary>Checks that the VAE can take the sizes.</summary>
    /// <exception cref="OptionException">An extent is no multiple of the factor.</exception>
    internal static void CheckFactor(IReadOnlyList<PixelSize> sizes, int factor)
    {
        foreach (var size in sizes)
            if (size.Width % factor != 0 || size.Height % factor != 0) throw new OptionException($"buckets: {size}, expected multiples of the VAE's {factor}");
    }

    static double Aspect(PixelSize size) => (double)size.Width / size.Height;
}
