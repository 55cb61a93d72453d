using System.Buffers.Binary;
using System.Text;
using PeaEngine.Diffusion.Images;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Tests.Train;

public sealed class EventFileTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>RFC 3720, B.4: CRC-32C of 32 zero bytes is 8a9136aa; the mask is TFRecord's.</summary>
    [Fact]
    public void ChecksumsAreThoseOfTheFormat()
    {
        const uint crc = 0x8a9136aa;
        Assert.Equal(unchecked((crc >> 15 | crc << 17) + 0xa282ead8), EventFile.MaskedCrc(new byte[32]));
    }

    /// <summary>The record that every event file of TensorFlow begins with, but for its time: checked byte by byte against the schema.</summary>
    [Fact]
    public void TheFirstRecordIsTheVersion()
    {
        using (new EventFile(folder.Path, new At(1.5))) { }
        var file = Assert.Single(folder.Files());
        Assert.StartsWith("events.out.tfevents.0000000001.", file, StringComparison.Ordinal);
        byte[] expected = [0x09, .. BitConverter.GetBytes(1.5), 0x10, 0, 0x1a, 13, .. "brain.Event:2"u8];
        Assert.Equal(expected, Assert.Single(Records(folder.At(file))));
    }

    [Fact]
    public void ScalarsAndPicturesAreReadBack()
    {
        var picture = new PixelImage(3, 2);
        using (var events = new EventFile(folder.Path, new At(1000)))
        {
            events.Scalars(300, new Metric("loss", 0.25), new("步", -1e-3));
            events.Image(301, "samples", picture);
        }
        var records = Records(folder.At(Assert.Single(folder.Files())));
        Assert.Equal(3, records.Count);
        var scalars = Fields(records[1]);
        Assert.Equal([1, 2, 5], scalars.Select(field => field.Number));
        Assert.Equal(1000, BitConverter.ToDouble(scalars[0].Bytes));
        Assert.Equal(300UL, scalars[1].Integer);
        var values = Fields(scalars[2].Bytes).Select(value => Fields(value.Bytes)).ToList();
        Assert.Equal(["loss", "步"], values.Select(value => Encoding.UTF8.GetString(value[0].Bytes)));
        Assert.Equal([0.25f, -1e-3f], values.Select(value => BitConverter.ToSingle(value[1].Bytes)));
        Assert.All(values, value => Assert.Equal([1, 2], value.Select(field => field.Number)));

        var image = Fields(Assert.Single(Fields(Fields(records[2])[2].Bytes)).Bytes);
        Assert.Equal(("samples", 4), (Encoding.UTF8.GetString(image[0].Bytes), image[1].Number));
        var parts = Fields(image[1].Bytes);
        Assert.Equal([2UL, 3, 3], parts.Take(3).Select(part => part.Integer));
        Assert.Equal(3, PixelImage.Decode(parts[3].Bytes, "test").Width);
    }

    /// <summary>The record with which PyTorch's writer purges steps, checked byte by byte.</summary>
    [Fact]
    public void ARunThatGoesOnSaysFromWhichStep()
    {
        using (var events = new EventFile(folder.Path, new At(1.5))) events.Begin(300);
        byte[] expected = [0x09, .. BitConverter.GetBytes(1.5), 0x10, 0xac, 0x02, 0x3a, 2, 0x08, 1];
        Assert.Equal(expected, Records(folder.At(Assert.Single(folder.Files())))[1]);
    }

    [Fact]
    public void TwoRunsOfOneSecondHaveAFileEach()
    {
        using var first = new EventFile(folder.Path, new At(5));
        using var second = new EventFile(folder.Path, new At(5));
        Assert.Equal(["events.out.tfevents.0000000005.0.pea", "events.out.tfevents.0000000005.1.pea"], folder.Files());
        Assert.StartsWith(folder.At("none") + ": cannot be written to: ", Assert.Throws<PeaException>(() => new EventFile(folder.At("none"))).Message, StringComparison.Ordinal);
    }

    /// <summary>Records' data, their lengths and checksums checked.</summary>
    static List<byte[]> Records(string path)
    {
        var (file, records) = (File.ReadAllBytes(path), new List<byte[]>());
        for (var at = 0; at < file.Length;)
        {
            var length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(EventFile.MaskedCrc(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            records.Add(file[(at + 12)..(at + 12 + length)]);
            Assert.Equal(EventFile.MaskedCrc(records[^1]), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            at += 16 + length;
        }
        return records;
    }

    /// <summary>A message's fields, read by a decoder of its own.</summary>
    static List<(int Number, ulong Integer, byte[] Bytes)> Fields(byte[] message)
    {
        var (fields, at) = (new List<(int, ulong, byte[])>(), 0);
        while (at < message.Length)
        {
            var key = Varint();
            var (integer, bytes) = (key & 7) switch
            {
                0 => (Varint(), 0),
                1 => (0UL, 8),
                2 => (0UL, (int)Varint()),
                5 => (0UL, 4),
                var type => throw new InvalidDataException($"wire type {type}"),
            };
            fields.Add(((int)(key >> 3), integer, message[at..(at + bytes)]));
            at += bytes;
        }
        return fields;

        ulong Varint()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                value |= (ulong)(message[at] & 0x7f) << shift;
                if (message[at++] < 0x80) return value;
            }
        }
    }

    sealed class At(double seconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }
}
