using System.Buffers.Binary;

namespace PeaEngine.Diffusion.Images;

/// <summary>Writes baseline JPEG files of 8-bit colour or grey with the standard's Huffman tables: the bytes that libjpeg writes.</summary>
static class JpegWriter
{
    const int MaxExtent = ushort.MaxValue;

    /// <summary>Writes a picture, its texts and its orientation.</summary>
    /// <exception cref="PeaException">The quality is none, the picture is too large for the format, or a text cannot be stored.</exception>
    public static void Write(Stream stream, PixelImage image, JpegOptions options)
    {
        if (options.Quality is < 1 or > 100) throw new PeaException($"JPEG: quality {options.Quality}, expected 1 to 100");
        if (image.Width > MaxExtent || image.Height > MaxExtent) throw new PeaException($"JPEG: a size of {image.Width}x{image.Height}, expected at most {MaxExtent} a side");
        var texts = JpegComment.Write(image);
        var planes = image.Channels == 1 ? [JpegPlane.OfGrey(image)] : JpegPlane.OfColour(image, options.Subsampling);
        var factor = planes.Length > 1 && options.Subsampling ? 2 : 1;
        var quantization = Enumerable.Range(0, planes.Length).Select(i => JpegStandard.Quantization(i > 0, options.Quality)).ToArray();

        stream.Write([0xff, 0xd8]);
        // Version 1.1, no density, no thumbnail.
        WriteSegment(stream, 0xe0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        foreach (var (marker, data) in texts) WriteSegment(stream, marker, data);
        for (byte i = 0; i < Math.Min(planes.Length, 2); i++)
        {
            var table = quantization[i];
            WriteSegment(stream, 0xdb, [i, .. JpegTables.NaturalOrder.ToArray().Select(index => (byte)table[index])]);
        }
        WriteFrame(stream, image, planes.Length, factor);
        WriteHuffman(stream, 0x00, JpegStandard.LumaDc);
        WriteHuffman(stream, 0x10, JpegStandard.LumaAc);
        if (planes.Length > 1)
        {
            WriteHuffman(stream, 0x01, JpegStandard.ChromaDc);
            WriteHuffman(stream, 0x11, JpegStandard.ChromaAc);
        }
        // All coefficients at once.
        WriteSegment(stream, 0xda, [(byte)planes.Length, .. Enumerable.Range(0, planes.Length).SelectMany(i => (byte[])[(byte)(i + 1), (byte)(i == 0 ? 0x00 : 0x11)]), 0, 63, 0]);
        WriteBlocks(stream, planes, factor, quantization);
        stream.Write([0xff, 0xd9]);
    }

    static void WriteFrame(Stream stream, PixelImage image, int components, int factor)
    {
        var frame = new byte[6 + 3 * components];
        frame[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)image.Height);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)image.Width);
        frame[5] = (byte)components;
        for (var i = 0; i < components; i++)
            (frame[6 + 3 * i], frame[7 + 3 * i], frame[8 + 3 * i]) = ((byte)(i + 1), (byte)(i == 0 ? factor * 0x11 : 0x11), (byte)(i == 0 ? 0 : 1));
        WriteSegment(stream, 0xc0, frame);
    }

    static void WriteBlocks(Stream stream, JpegPlane[] planes, int factor, ushort[][] quantization)
    {
        var writer = new JpegHuffmanWriter(stream);
        Span<short> block = stackalloc short[JpegComponent.BlockSize];
        Span<int> previous = stackalloc int[planes.Length];
        var (across, down) = (JpegFrame.DivideUp(planes[0].BlocksAcross, factor), JpegFrame.DivideUp(planes[0].BlocksDown, factor));
        for (var y = 0; y < down; y++)
            for (var x = 0; x < across; x++)
                for (var i = 0; i < planes.Length; i++)
                {
                    var side = i == 0 ? factor : 1;
                    for (var inner = 0; inner < side * side; inner++)
                    {
                        var (blockX, blockY) = (x * side + inner % side, y * side + inner / side);
                        if (blockX < planes[i].BlocksAcross && blockY < planes[i].BlocksDown) planes[i].Transform(blockX, blockY, quantization[i], block);
                        else
                        {
                            // Beyond the edges: as bright as the block before.
                            block.Clear();
                            block[0] = (short)previous[i];
                        }
                        writer.Write(block, previous[i], i > 0);
                        previous[i] = block[0];
                    }
                }
        writer.Finish();
    }

    static void WriteHuffman(Stream stream, byte slot, JpegStandard.Huffman table) => WriteSegment(stream, 0xc4, [slot, .. table.Counts, .. table.Symbols]);

    static void WriteSegment(Stream stream, byte marker, ReadOnlySpan<byte> data)
    {
        stream.Write([0xff, marker, (byte)((data.Length + 2) >> 8), (byte)(data.Length + 2)]);
        stream.Write(data);
    }
}
