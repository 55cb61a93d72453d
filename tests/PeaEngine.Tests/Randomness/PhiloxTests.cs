using PeaEngine.Randomness;

namespace PeaEngine.Tests.Randomness;

public class PhiloxTests
{
    /// <summary>Random123's known answers for philox4x32, ten rounds: four words of counter, two of key, four of the result.</summary>
    [Theory]
    [InlineData("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8")]
    [InlineData("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd")]
    [InlineData("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1")]
    public void GivesTheKnownAnswers(string counter, string key, string expected)
    {
        var (c, k, result) = (Words(counter), Words(key), new uint[4]);
        Philox.Block(k[0], k[1], c[0], c[1], c[2], c[3], result);
        Assert.Equal(Words(expected), result);

        // The same through the generator, whose block's index begins at 0: only the first case has that.
        if (c[0] != 0) return;
        var generator = new Philox((ulong)k[1] << 32 | k[0], c[1], (ulong)c[3] << 32 | c[2]);
        Assert.Equal(Words(expected), Enumerable.Range(0, 4).Select(_ => generator.Next32()));
    }

    [Fact]
    public void CounterIsBlockStreamAndPosition()
    {
        var generator = new Philox(0x2222222211111111, 0x33333333, 0x5555555544444444);
        var expected = new uint[8];
        Philox.Block(0x11111111, 0x22222222, 0, 0x33333333, 0x44444444, 0x55555555, expected);
        Philox.Block(0x11111111, 0x22222222, 1, 0x33333333, 0x44444444, 0x55555555, expected.AsSpan(4));
        Assert.Equal(expected, Enumerable.Range(0, 8).Select(_ => generator.Next32()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void NumbersBelowAreEven(int count)
    {
        const int PerNumber = 400;
        var generator = new Philox(5, 1, (ulong)count);
        var times = new int[count];
        for (var i = 0; i < count * PerNumber; i++) times[generator.Below(count)]++;
        // The statistic has count-1 degrees of freedom: mean count-1, variance twice that.
        var chi = times.Sum(t => Math.Pow(t - PerNumber, 2) / PerNumber);
        Assert.InRange(chi, 0, count - 1 + 5 * Math.Sqrt(2.0 * count));
    }

    [Fact]
    public void NumbersBelowALargeCountAreNotDrawnFromTheLowOnes()
    {
        // A third of the 32-bit words would make each number below 2³⁰·3/2 uneven if none were drawn again.
        const int Count = (1 << 30) + (1 << 29), Draws = 30_000;
        var generator = new Philox(1, 1, 0);
        var low = Enumerable.Range(0, Draws).Count(_ => generator.Below(Count) % 3 == 0);
        Assert.InRange(low, Draws / 3 - 5 * 82, Draws / 3 + 5 * 82);
    }

    [Fact]
    public void NormalsHaveTheirMomentsAndAreAPrefixOfMore()
    {
        var many = new float[100_000];
        new Philox(9, 2, 3).Normals(many);
        var mean = many.Average(v => (double)v);
        Assert.InRange(mean, -0.02, 0.02);
        Assert.InRange(many.Average(v => Math.Pow(v - mean, 2)), 0.98, 1.02);
        Assert.InRange(many.Average(v => Math.Pow(v - mean, 4)), 2.9, 3.1);
        foreach (var count in new[] { 1, 15, 16, 17, 40 })
        {
            var few = new float[count];
            new Philox(9, 2, 3).Normals(few);
            Assert.Equal(many[..count], few);
        }
    }

    [Fact]
    public void UniformsAreInRangeAndStreamsDiffer()
    {
        var (a, b, c) = (new Philox(1, 1, 7), new Philox(1, 2, 7), new Philox(1, 1, 8));
        var values = Enumerable.Range(0, 10_000).Select(_ => (a.Uniform(), b.UniformDouble(), c.Uniform())).ToArray();
        Assert.All(values, v => Assert.True(v.Item1 is >= 0 and < 1 && v.Item2 is >= 0 and < 1));
        Assert.InRange(values.Average(v => v.Item2), 0.48, 0.52);
        Assert.DoesNotContain(values, v => v.Item1 == v.Item3);
    }

    [Fact]
    public void ShufflesEveryOrderAsOften()
    {
        var times = new Dictionary<string, int>();
        for (var i = 0; i < 6000; i++)
        {
            var letters = "abc".ToCharArray();
            new Philox(3, 4, (ulong)i).Shuffle(letters.AsSpan());
            times[new(letters)] = times.GetValueOrDefault(new(letters)) + 1;
        }
        Assert.Equal(6, times.Count);
        Assert.All(times.Values, count => Assert.InRange(count, 850, 1150));
    }

    static uint[] Words(string text) => [.. text.Split(' ').Select(word => Convert.ToUInt32(word, 16))];
}
