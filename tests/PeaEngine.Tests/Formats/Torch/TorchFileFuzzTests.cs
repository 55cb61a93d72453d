using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

/// <summary>Files that torch wrote, damaged at random: they open or are refused as bad input, soon, and take no more memory than their size explains.</summary>
public sealed class TorchFileFuzzTests : IDisposable
{
    const int Rounds = 400;

    // As in TorchFileGoldenTests; reading every tensor may take its bytes and those that it is scattered over.
    const long FixedBytes = 1 << 20, BytesPerByte = 200;

    static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Files => ["dtypes.pt", "dtypes-legacy.pt", "lightning.ckpt", "protocol4.pt", "views.bin", "views-legacy.bin", "tied.bin"];

    [Theory]
    [MemberData(nameof(Files))]
    public void DamagedFilesOpenOrAreRefused(string name) => OpenOrRefuse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "golden", "torch-files", "good", name)));

    /// <summary>Of our own writer, with notes.</summary>
    [Fact]
    public void DamagedNotesOpenOrAreRefused()
    {
        TorchWriter.Write(folder.At("own.bin"), [TensorContent.FromSingles("a", [2], new float[2])], new Dictionary<string, string> { ["pooled_mean"] = "masked", ["languages"] = "zh,it" });
        OpenOrRefuse(File.ReadAllBytes(folder.At("own.bin")));
    }

    void OpenOrRefuse(byte[] valid)
    {
        var path = folder.At("fuzz.pt");
        var random = new Random(22);
        var (opened, refused) = (0, 0);
        for (var i = 0; i < Rounds; i++)
        {
            var damaged = i == 0 ? valid : Damage(valid, random);
            File.WriteAllBytes(path, damaged);
            var (started, before) = (DateTime.UtcNow, GC.GetAllocatedBytesForCurrentThread());
            try
            {
                using var file = TorchFile.Open(path);
                foreach (var (key, info) in file.Tensors)
                {
                    Assert.InRange(info.Bytes, 0, damaged.Length);
                    file.Read(key, 0, new byte[info.Bytes]);
                }
                opened++;
            }
            catch (PeaException exception)
            {
                Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
                Assert.False(exception.Message.Any(char.IsControl), $"{i}: {exception.Message}");
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, FixedBytes + BytesPerByte * damaged.Length);
            Assert.InRange(DateTime.UtcNow - started, TimeSpan.Zero, Limit);
        }
        Assert.InRange(opened, 10, Rounds);
        Assert.InRange(refused, 100, Rounds);
    }

    /// <summary>Bytes changed, cut off, moved or doubled, half the time among the first, where the pickles are.</summary>
    static byte[] Damage(byte[] valid, Random random)
    {
        var bytes = valid.ToList();
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var at = random.Next(random.Next(2) == 0 ? bytes.Count : Math.Min(bytes.Count, 900));
            switch (random.Next(8))
            {
                case 0: bytes.RemoveRange(at, bytes.Count - at); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(1, 8), bytes.Count - at)); break;
                case 2: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at))); break;
                case 3: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                // In place, so that the archive's directory stays right and the damage reaches the machine.
                case 4: bytes[at] = (byte)"(tQRbucseq)}hj0123\x80\x81\x8a\x8b\x93\x94\x95"[random.Next(25)]; break;
                case 5: bytes[at] = 255; break;
                default: bytes[at] = (byte)random.Next(256); break;
            }
            if (bytes.Count == 0) break;
        }
        return [.. bytes];
    }
}
