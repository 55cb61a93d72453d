using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

public class LearningRateTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(25, 1.5e-4)]
    [InlineData(50, 3e-4)]
    [InlineData(325, 1e-5 + 2.9e-4 * 0.5)]
    [InlineData(599, 1e-5 + 2.9e-4 / 550)]
    [InlineData(600, 1e-5)]
    [InlineData(700, 1e-5)]
    public void APolynomialOfPowerOneIsALine(long step, double expected) =>
        Assert.Equal(expected, new LearningRate(LearningRateSchedule.Polynomial, 3e-4, 1e-5, 1, 50, 600).At(step), 15);

    [Theory]
    [InlineData(LearningRateSchedule.Polynomial, 2, 0.25)]
    [InlineData(LearningRateSchedule.Polynomial, 0.5, 0.70710678118654757)]
    [InlineData(LearningRateSchedule.Cosine, 1, 0.5)]
    [InlineData(LearningRateSchedule.Constant, 1, 1)]
    public void HalfwayDependsOnTheSchedule(LearningRateSchedule schedule, double power, double share) =>
        Assert.Equal(2 + 8 * share, new LearningRate(schedule, 10, 2, power, 20, 120).At(70), 12);

    [Fact]
    public void ACosineFallsSlowlyAtBothEnds()
    {
        var rate = new LearningRate(LearningRateSchedule.Cosine, 1, 0, 1, 0, 100);
        Assert.Equal(1, rate.At(0));
        Assert.Equal((1 + Math.Cos(Math.PI / 4)) / 2, rate.At(25), 12);
        Assert.Equal((1 + Math.Cos(Math.PI * 3 / 4)) / 2, rate.At(75), 12);
        Assert.Equal(0, rate.At(100));
    }

    [Fact]
    public void ARunThatIsAllWarmupEndsAtTheEnd() =>
        Assert.Equal(1e-5, new LearningRate(LearningRateSchedule.Polynomial, 3e-4, 1e-5, 1, 5, 5).At(5));
}
