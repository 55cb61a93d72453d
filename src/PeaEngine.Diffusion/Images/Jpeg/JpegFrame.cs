using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>What the start of a frame says, checked, and the components' samples.</summary>
sealed class JpegFrame
{
    JpegFrame(int width, int height, bool progressive, JpegComponent[] components)
    {
        (Width, Height, IsProgressive, Components) = (width, height, progressive, components);
        (MaxAcross, MaxDown) = (components.Max(component => component.Across), components.Max(component => component.Down));
        (McusAcross, McusDown) = (DivideUp(width, 8 * MaxAcross), DivideUp(height, 8 * MaxDown));
        foreach (var component in components) component.Fit(this);
    }

    /// <summary>Pixels.</summary>
    public int Width { get; }

    /// <summary>Pixels.</summary>
    public int Height { get; }

    /// <summary>Whether the coefficients come in several scans.</summary>
    public bool IsProgressive { get; }

    /// <summary>One for grey, three for colour, four for print.</summary>
    public IReadOnlyList<JpegComponent> Components { get; }

    /// <summary>The largest horizontal sampling factor: a unit of interleaved blocks is 8 times as many pixels wide.</summary>
    public int MaxAcross { get; }

    /// <summary>The largest vertical sampling factor.</summary>
    public int MaxDown { get; }

    /// <summary>Units of interleaved blocks in a row.</summary>
    public int McusAcross { get; }

    /// <summary>Rows of units.</summary>
    public int McusDown { get; }

    /// <summary>Reads the segment of a marker SOF0, SOF1 or SOF2; nothing is allocated by the size that it claims.</summary>
    /// <exception cref="PeaException">A value that the format does not have, or a picture too large.</exception>
    public static JpegFrame Parse(ReadOnlySpan<byte> segment, bool progressive, string name)
    {
        if (segment.Length < 6 || segment.Length != 6 + 3 * segment[5]) throw new PeaException($"{name}: a frame header of {segment.Length} bytes, expected 6 and 3 a component");
        if (segment[0] != 8) throw new PeaException($"{name}: a JPEG of {segment[0]} bits a sample, expected 8");
        var (height, width) = (BinaryPrimitives.ReadUInt16BigEndian(segment[1..]), BinaryPrimitives.ReadUInt16BigEndian(segment[3..]));
        PixelImage.CheckSize(name, width, height);
        if (segment[5] is not (1 or 3 or 4)) throw new PeaException($"{name}: a JPEG of {segment[5]} components, expected 1, 3 or 4");
        var components = new JpegComponent[segment[5]];
        for (var i = 0; i < components.Length; i++)
        {
            var (id, across, down, table) = (segment[6 + 3 * i], segment[7 + 3 * i] >> 4, segment[7 + 3 * i] & 15, segment[8 + 3 * i]);
            if (across is < 1 or > 4 || down is < 1 or > 4) throw new PeaException($"{name}: component {id} has sampling factors {across}x{down}, expected 1 to 4");
            if (table > 3) throw new PeaException($"{name}: component {id} has quantization table {table}, expected 0 to 3");
            if (components.Take(i).Any(other => other.Id == id)) throw new PeaException($"{name}: two components {id}, expected different ones");
            components[i] = new JpegComponent(id, across, down, table);
        }
        var frame = new JpegFrame(width, height, progressive, components);
        foreach (var component in components)
            if (frame.MaxAcross % component.Across != 0 || frame.MaxDown % component.Down != 0)
                throw new PeaException($"{name}: component {component.Id} has sampling factors {component.Across}x{component.Down} beside {frame.MaxAcross}x{frame.MaxDown}, expected divisors");
        return frame;
    }

    /// <summary>Allocates the samples, if <paramref name="bytes"/> of file can describe so many blocks.</summary>
    /// <exception cref="PeaException">They cannot.</exception>
    public void Allocate(long bytes, string name)
    {
        // A block has a code for its first coefficient and, in one scan, another for the end of the others.
        var bits = Components.Sum(component => (long)component.BlocksAcross * component.BlocksDown) * (IsProgressive ? 1 : 2);
        if (8 * bytes < bits) throw new PeaException($"{name}: {bytes} bytes of image data, too few for {Width}x{Height}: the file is truncated or damaged");
        foreach (var component in Components) component.Allocate(IsProgressive);
    }

    /// <summary>How many parts of <paramref name="size"/> hold <paramref name="extent"/>.</summary>
    public static int DivideUp(int extent, int size) => (extent + size - 1) / size;
}
