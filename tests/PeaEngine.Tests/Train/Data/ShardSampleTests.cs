using System.Formats.Tar;
using System.Text;
using PeaEngine.Train.Data;

namespace PeaEngine.Tests.Train.Data;

public sealed class ShardSampleTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(TarEntryFormat.V7, 90)]
    [InlineData(TarEntryFormat.Ustar, 90)]
    [InlineData(TarEntryFormat.Ustar, 190)]
    [InlineData(TarEntryFormat.Gnu, 90)]
    [InlineData(TarEntryFormat.Gnu, 300)]
    [InlineData(TarEntryFormat.Pax, 90)]
    [InlineData(TarEntryFormat.Pax, 300)]
    public void ReadsEveryFormatAndBeginsAnywhere(TarEntryFormat format, int nameLength)
    {
        int[] sizes = [0, 1, 511, 512, 513, 100_000];
        var files = sizes.SelectMany((size, i) => new[] { ("jpg", i), ("json", i) }.Select(part => (Name: $"{Key(i)}.{part.Item1}", Data: Bytes(size + part.Item1.Length)))).ToList();
        var shard = Write("a.tar", ShardFiles.Tar(files, format));

        var samples = ShardSample.Read(shard).ToList();

        Assert.Equal(sizes.Select((_, i) => Key(i)), samples.Select(sample => sample.Key));
        Assert.All(samples, sample => Assert.Equal(["jpg", "json"], sample.Files.Keys));
        Assert.Equal(files.Select(file => file.Data), samples.SelectMany(sample => sample.Files.Values));
        for (var i = 0; i < samples.Count; i++)
            Assert.Equal(samples.Skip(i).Select(sample => (sample.Key, sample.Offset)), ShardSample.Read(shard, samples[i].Offset).Select(sample => (sample.Key, sample.Offset)));

        string Key(int i) => $"{new string('f', nameLength - 40)}/{new string((char)('a' + i), 30)}";
    }

    [Fact]
    public void GroupsAsWebdatasetDoes()
    {
        var shard = Write("a.tar", ShardFiles.Tar([
            ("folder.1/x.1.jpg", [1]), ("folder.1/x.1.JSON", [2]), ("folder.1/x.jpeg", [3]),
            ("y.png", [4]), ("y.txt", [5]), ("y.json", [6]), ("README", [7]), (".hidden", [8]), ("z.json", [9])]));
        var samples = ShardSample.Read(shard).Select(sample => $"{sample.Key}: {string.Join(' ', sample.Files.Select(file => $"{file.Key}={file.Value[0]}"))}");
        // The ending begins at the first dot of the name: 1.jpg is no picture.
        Assert.Equal(["folder.1/x: jpeg=3", "y: png=4 json=6", "z: json=9"], samples);
    }

    [Fact]
    public void SkipsWhatIsNoFile()
    {
        var stream = new MemoryStream();
        using (var writer = new TarWriter(stream, TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "a.d/"));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "link.jpg") { LinkName = "a.jpg" });
            writer.WriteEntry(new PaxGlobalExtendedAttributesTarEntry(new Dictionary<string, string> { ["comment"] = "all" }));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "a.jpg") { DataStream = new MemoryStream([1]) });
        }
        var sample = Assert.Single(ShardSample.Read(Write("a.tar", stream.ToArray())));
        Assert.Equal(("a", 1), (sample.Key, sample.Files.Count));
    }

    [Fact]
    public void ACutOffShardGivesNoHalfSampleAndNamesTheByte()
    {
        var tar = ShardFiles.Tar(Enumerable.Range(0, 6).SelectMany(i => new[] { ($"{i}.jpg", Bytes(700)), ($"{i}.json", Bytes(300)) }), TarEntryFormat.Ustar);
        var whole = ShardSample.Read(Write("a.tar", tar)).ToList();
        var end = tar.Length - 2 * 512;
        foreach (var length in Enumerable.Range(0, end / 256 + 1).Select(i => i * 256).Append(end + 511))
        {
            var shard = Write("cut.tar", tar[..length]);
            var read = new List<ShardSample>();
            var error = Assert.Throws<ShardException>(() => read.AddRange(Collected(shard, read)));
            Assert.Contains($"{shard}: byte {error.Offset}: ", error.Message, StringComparison.Ordinal);
            Assert.InRange(error.Offset, 0, length);
            Assert.All(read, sample => Assert.Equal(2, sample.Files.Count));
            // A sample is whole once the next one's header was read.
            Assert.Equal(whole.Count(sample => sample.Offset + 2560 + 512 <= length), read.Count);
        }
        // One of the two blocks of zeros is a mark of the end.
        Assert.Equal(6, ShardSample.Read(Write("cut.tar", tar[..(end + 512)])).Count());
    }

    [Theory]
    [InlineData("checksum", "checksum")]
    [InlineData("size", "no number")]
    [InlineData("huge", "cut off")]
    [InlineData("endless", "no number")]
    [InlineData("sparse", "sparse")]
    public void RefusesDamagedHeaders(string damage, string message)
    {
        var tar = ShardFiles.Tar([("a.jpg", Bytes(10)), ("a.json", Bytes(10)), ("b.jpg", Bytes(10)), ("b.json", Bytes(10))], TarEntryFormat.Ustar);
        var header = tar.AsSpan(4 * 512, 512);
        switch (damage)
        {
            case "checksum": header[0] = (byte)'c'; break;
            case "size": Encoding.ASCII.GetBytes("0000009").CopyTo(header[124..]); break;
            case "huge": Encoding.ASCII.GetBytes("01000000000\0").CopyTo(header[124..]); break;
            case "endless": header.Slice(124, 12).Fill(0xff); break;
            case "sparse": header[156] = (byte)'S'; break;
        }
        if (damage != "checksum") Seal(header);
        var shard = Write("a.tar", tar);
        var read = new List<ShardSample>();
        var error = Assert.Throws<ShardException>(() => Collected(shard, read));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        // A header that can be read says that the sample before it is whole.
        Assert.Equal(damage == "huge" ? 1 : 0, read.Count);
        Assert.All(read, sample => Assert.Equal(2, sample.Files.Count));
    }

    [Fact]
    public void ReadsBinarySizesAndSignedChecksums()
    {
        var tar = ShardFiles.Tar([("a\u00e9.jpg", Bytes(600)), ("a\u00e9.json", Bytes(5))], TarEntryFormat.Gnu);
        var header = tar.AsSpan(0, 512);
        header.Slice(124, 12).Clear();
        (header[124], header[134], header[135]) = (0x80, 600 >> 8, 600 & 255);
        Seal(header, signed: true);
        var sample = Assert.Single(ShardSample.Read(Write("a.tar", tar)));
        Assert.Equal(Bytes(600), sample.Files["jpg"]);
        Assert.Equal("a\u00e9", sample.Key);
    }

    [Fact]
    public void TakesASizeFromAnExtendedHeader()
    {
        var tar = ShardFiles.Tar([("a.jpg", Bytes(600)), ("b.jpg", Bytes(7))], TarEntryFormat.Ustar).ToList();
        var extension = ShardFiles.Tar([("PaxHeader", Encoding.ASCII.GetBytes("12 size=600\n16 path=c/d.jpg\n"))], TarEntryFormat.Ustar).AsSpan(0, 1024).ToArray();
        extension[156] = (byte)'x';
        Seal(extension.AsSpan(0, 512));
        var header = tar[..512].ToArray();
        header.AsSpan(124, 12).Clear();
        Seal(header);
        tar.RemoveRange(0, 512);
        tar.InsertRange(0, [.. extension, .. header]);
        var samples = ShardSample.Read(Write("a.tar", [.. tar])).ToList();
        Assert.Equal(["c/d", "b"], samples.Select(sample => sample.Key));
        Assert.Equal(Bytes(600), samples[0].Files["jpg"]);
        Assert.Equal(0, samples[0].Offset);
    }

    [Fact]
    public void RefusesTheSameNameTwice()
    {
        var shard = Write("a.tar", ShardFiles.Tar([("a.jpg", [1]), ("a.jpg", [2])]));
        Assert.Contains("second file 'a.jpg'", Assert.Throws<ShardException>(() => ShardSample.Read(shard).ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesAShardThatIsNotThere() =>
        Assert.Contains("no such file", Assert.Throws<ShardException>(() => ShardSample.Read(folder.At("none.tar")).ToList()).Message, StringComparison.Ordinal);

    [Fact]
    public void ReadsTheSamplesOfTheRepository()
    {
        var shards = ShardList.Expand([Path.Combine(Repository.Root, "samples", "emoji", "data", "train-{0000..0003}.tar")]);
        var samples = shards.SelectMany(shard => ShardSample.Read(shard)).ToList();
        Assert.Equal(2000, samples.Count);
        Assert.All(samples, sample => Assert.Equal(["jpg", "json"], sample.Files.Keys));
    }

    [Fact]
    public void DamagedShardsAreReadOrRefused()
    {
        var random = new System.Random(6);
        var formats = new[] { TarEntryFormat.Ustar, TarEntryFormat.Pax, TarEntryFormat.Gnu };
        var (read, refused) = (0, 0);
        for (var i = 0; i < 1500; i++)
        {
            var tar = ShardFiles.Tar([($"{new string('n', 120)}/a.jpg", Bytes(600)), ($"{new string('n', 120)}/a.json", Bytes(9)), ("b.png", Bytes(3)), ("b.json", Bytes(4))], formats[i % 3]);
            for (var j = random.Next(1, 6); j > 0; j--) tar[random.Next(tar.Length)] = (byte)random.Next(256);
            // Half of them reach what is behind the checksum.
            if (i % 2 == 0)
                for (var at = 0; at + 512 <= tar.Length; at += 512)
                    if (tar.AsSpan(at + 257, 5).SequenceEqual("ustar"u8)) Seal(tar.AsSpan(at, 512));
            var shard = Write("fuzz.tar", random.Next(4) == 0 ? tar[..random.Next(tar.Length)] : tar);
            try
            {
                _ = ShardSample.Read(shard).Count();
                read++;
            }
            catch (ShardException exception)
            {
                Assert.StartsWith($"{shard}: byte ", exception.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(read, 100, 1400);
        Assert.InRange(refused, 100, 1400);
    }

    static List<ShardSample> Collected(string shard, List<ShardSample> into)
    {
        foreach (var sample in ShardSample.Read(shard)) into.Add(sample);
        return [];
    }

    /// <summary>Puts the right checksum into a header.</summary>
    static void Seal(Span<byte> header, bool signed = false)
    {
        header.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header) sum += signed ? (sbyte)value : value;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
    }

    static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 7 + count))];

    string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(folder.At(name), bytes);
        return folder.At(name);
    }
}
