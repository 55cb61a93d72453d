using PeaEngine.Randomness;

namespace PeaEngine.Tests.Randomness;

public class TorchGeneratorTests
{
    [Fact]
    public void ManualSeedStartsAfreshAndForgetsTheKeptNormal()
    {
        float[] first = new float[7], again = new float[7];
        var generator = new TorchGenerator(3);
        generator.Randn(first);
        generator.ManualSeed(3);
        generator.Randn(again);
        Assert.Equal(first, again);
        Assert.Equal(3UL, generator.Seed);
    }

    [Fact]
    public void OnlyTheLow32BitsOfASeedCount()
    {
        float[] low = new float[20], high = new float[20];
        new TorchGenerator(5).Randn(low);
        new TorchGenerator(5 + (7UL << 32)).Randn(high);
        Assert.Equal(low, high);
    }

    [Fact]
    public void ShortDrawsContinueWithTheKeptNormal()
    {
        float[] together = new float[4], apart = new float[4];
        new TorchGenerator(11).Randn(together);
        var generator = new TorchGenerator(11);
        generator.Randn(apart.AsSpan(0, 1));
        generator.Randn(apart.AsSpan(1, 3));
        Assert.Equal(together, apart);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 3)]
    [InlineData(0, 1L << 28)]
    [InlineData(long.MinValue, long.MaxValue)]
    public void RandIntRefusesARangeThatTorchDrawsOtherwise(long low, long high)
    {
        var error = Assert.Throws<PeaException>(() => new TorchGenerator(0).RandInt(low, high));
        Assert.Contains($"from {low} to {high}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RandIntKeepsToItsRange()
    {
        var generator = new TorchGenerator(1);
        var seen = new HashSet<long>();
        for (var i = 0; i < 200; i++) seen.Add(generator.RandInt(-2, 3));
        Assert.Equal([-2, -1, 0, 1, 2], seen.Order());
    }
}
