using System.Runtime.InteropServices;
using PeaEngine.Randomness;

namespace PeaEngine.Tests.Randomness;

/// <summary>Every tensor of <c>random/torch_cpu.safetensors</c>.</summary>
public class RandomGoldenTests
{
    static readonly string File = GoldenFolder.At("random", "torch_cpu.safetensors");
    static readonly Dictionary<string, byte[]> Tensors = Read();

    public static TheoryData<string> Names()
    {
        var data = new TheoryData<string>();
        foreach (var name in Tensors.Keys.Order(StringComparer.Ordinal)) data.Add(name);
        if (data.Count == 0) data.Add("");
        return data;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Draws(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var parts = name.Split('.');
        var generator = new TorchGenerator(ulong.Parse(parts[1]));
        switch (parts[0])
        {
            case "rand":
                Compare<float>(name, generator.Rand, Same);
                break;
            case "randn":
                Compare<float>(name, generator.Randn, AssertSingles);
                break;
            case "double":
                // The last bits are the C library's.
                Compare<double>(name, generator.Randn, (expected, actual, _) => Assert.InRange(actual, expected - 4e-15, expected + 4e-15));
                break;
            case "half":
                Compare<Half>(name, generator.Randn, Same);
                break;
            case "bfloat16":
                Compare<ushort>(name, generator.RandnBFloat16, Same);
                break;
            case "randint1000":
                Compare<long>(name, Fill, Same);
                break;
            case "randperm":
                Compare<long>(name, generator.RandPerm, Same);
                break;
            case "mixed":
                // One generator: randn, a short randn that leaves a normal behind, randint, randn.
                foreach (var part in "abcd".TakeWhile(part => part <= parts[2][0]))
                {
                    var tensor = $"mixed.{parts[1]}.{part}";
                    if (part == 'c') Compare<long>(tensor, Fill, Same);
                    else Compare<float>(tensor, generator.Randn, AssertSingles);
                }
                break;
            default:
                Assert.Fail($"{name}: no such kind of draw");
                break;
        }

        void Fill(Span<long> values)
        {
            foreach (ref var value in values) value = generator.RandInt(0, 1000);
        }
    }

    /// <summary>Draws of 16 and more are torch's bits; shorter ones take the C library's functions, rounded from double.</summary>
    static void AssertSingles(float expected, float actual, int count)
    {
        if (count >= 16) Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(actual));
        else Assert.InRange(actual, MathF.BitDecrement(expected), MathF.BitIncrement(expected));
    }

    static void Same<T>(T expected, T actual, int count) => Assert.Equal(expected, actual);

    static void Compare<T>(string name, SpanAction<T> draw, Action<T, T, int> assert) where T : unmanaged
    {
        var expected = MemoryMarshal.Cast<byte, T>(Tensors[name]).ToArray();
        var actual = new T[expected.Length];
        draw(actual);
        for (var i = 0; i < expected.Length; i++) assert(expected[i], actual[i], expected.Length);
    }

    delegate void SpanAction<T>(Span<T> values);

    static Dictionary<string, byte[]> Read()
    {
        if (!System.IO.File.Exists(File)) return [];
        using var tensors = GoldenTensors.Open(File);
        return tensors.Names.ToDictionary(name => name, tensors.Bytes);
    }
}
