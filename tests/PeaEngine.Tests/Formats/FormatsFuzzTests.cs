using System.Text;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Formats;

/// <summary>Valid files, damaged at random: they open or are refused as bad input, and take no more memory than the file's own size explains.</summary>
public sealed class FormatsFuzzTests : IDisposable
{
    const int Rounds = 1000;

    // A refusal costs an exception and its message; a header of a few hundred bytes must never cost megabytes.
    const long AllocationLimit = 1 << 20;

    const string Header = """
        {"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"c":{"dtype":"I64","shape":[],"data_offsets":[32,40]}}
        """;

    static readonly string[] Fragments =
    [
        "99999999999999999999", "18446744073709551615", "9223372036854775807", "-1", "1e308", "0", "null", "[", "{", "\"", "\\ud800", "F8_E4M3",
        "\"a.weight\":", "data_offsets", "]}", ",", "\0", "\u00ff",
    ];

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void DamagedSafetensorsOpenOrAreRefused()
    {
        var valid = RawSafetensors.Bytes(Header, 40);
        var path = folder.At("fuzz.safetensors");
        var random = new Random(20);
        var (opened, refused) = (0, 0);
        for (var i = 0; i < Rounds; i++)
        {
            var damaged = i == 0 ? valid : Damage(valid, random);
            File.WriteAllBytes(path, damaged);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = SafetensorsFile.Open(path);
                foreach (var (name, info) in file.Tensors)
                {
                    Assert.InRange(info.Bytes, 0, damaged.Length);
                    file.Read(name, 0, new byte[info.Bytes]);
                }
                opened++;
            }
            catch (PeaException exception)
            {
                Assert.StartsWith(path, exception.Message, StringComparison.Ordinal);
                Assert.False(exception.Message.Any(char.IsControl), $"{i}: {exception.Message}");
                refused++;
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocationLimit);
        }
        Assert.InRange(opened, 20, Rounds);
        Assert.InRange(refused, 250, Rounds);
    }

    [Fact]
    public void DamagedConfigurationsAreReadOrRefused()
    {
        var valid = Encoding.UTF8.GetBytes("""{"_class_name": "UNet2DConditionModel", "layers": [1, 2, 3], "scale": -Infinity, "nested": {"a": "\u00e9\n", "b": null}, "bool": true}""");
        var random = new Random(21);
        var (read, refused) = (0, 0);
        for (var i = 0; i < Rounds; i++)
        {
            var damaged = i == 0 ? valid : Damage(valid, random);
            try
            {
                var config = JsonConfig.Parse(damaged, "config.json");
                foreach (var key in config.Keys.ToList())
                    Any(() => config.Int(key), () => config.Float(key), () => config.Bool(key), () => config.String(key), () => config.Ints(key), () => config.IntList(key, 3), () => config.Strings(key), () => config.StringMap(key), () => config.Object(key));
                read++;
            }
            catch (PeaException exception)
            {
                Assert.StartsWith("config.json: ", exception.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(read, 20, Rounds);
        Assert.InRange(refused, 250, Rounds);
    }

    static void Any(params Func<object?>[] getters)
    {
        foreach (var getter in getters)
            try
            {
                getter();
            }
            catch (PeaException)
            {
            }
    }

    static byte[] Damage(byte[] valid, Random random)
    {
        var bytes = valid.ToList();
        for (var count = random.Next(1, 4); count > 0 && bytes.Count > 0; count--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes.RemoveRange(at, bytes.Count - at); break;
                case 3: bytes.RemoveRange(at, Math.Min(random.Next(1, 8), bytes.Count - at)); break;
                case 4: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Fragments[random.Next(Fragments.Length)])); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at))); break;
            }
        }
        // Insertions move the data: half the time the length is made to fit again, so that the damage reaches the JSON.
        if (bytes.Count >= 8 && valid[0] != '{' && random.Next(2) == 0)
        {
            var length = Math.Max(0, bytes.Count - 8 - 40);
            for (var i = 0; i < 8; i++) bytes[i] = i < 4 ? (byte)(length >> (8 * i)) : (byte)0;
        }
        return [.. bytes];
    }
}
