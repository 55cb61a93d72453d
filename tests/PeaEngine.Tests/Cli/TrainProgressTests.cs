using PeaEngine.Cli;
using PeaEngine.Train;

namespace PeaEngine.Tests.Cli;

public class TrainProgressTests
{
    /// <summary>A run that went on from step 100: speed and time left are of the 50 steps that this process did.</summary>
    [Fact]
    public void SaysLossSpeedAndTimeLeft()
    {
        var line = TrainProgress.Describe(new("step", 150, 600, 50, 32, 0.0123456, TimeSpan.FromSeconds(40)));
        Assert.Equal((150, 600, "step 150/600, loss 0.01235, 40.0 samples/s", TimeSpan.FromMinutes(6)), (line.Done, line.Total, line.Text, line.Left));
    }

    [Fact]
    public void SaysWhatWasWritten()
    {
        var line = TrainProgress.Describe(new("distillation", 100, 600, 100, 32, 1, TimeSpan.FromSeconds(40)) { Written = "run/samples/step-000100.png" });
        Assert.Equal("wrote run/samples/step-000100.png", line.Line);
        Assert.Null(TrainProgress.Describe(new("distillation", 101, 600, 101, 32, 1, TimeSpan.FromSeconds(40))).Line);
    }

    [Fact]
    public void BeforeTheFirstStepNothingIsDividedByZero()
    {
        var progress = new TrainingProgress("step", 0, 600, 0, 32, 0, TimeSpan.Zero);
        Assert.Equal((0, TimeSpan.Zero), (progress.SamplesPerSecond, progress.Left));
    }

    [Fact]
    public void LinesComeAfterTheFirstStepEveryFewSecondsAndAtTheEnd()
    {
        using var error = new StringWriter();
        if (!Console.IsErrorRedirected) return;
        var result = TrainProgress.Watch(error, progress =>
        {
            for (var step = 0; step <= 20; step++) progress.Report(new("step", step, 20, step, 1, 1, TimeSpan.FromSeconds(step)));
            return 7;
        });
        Assert.Equal(7, result);
        Assert.StartsWith("step 1/20, loss 1.00000, 1.0 samples/s, 0.00:00:19 left", error.ToString(), StringComparison.Ordinal);
        Assert.Equal([1, 6, 11, 16, 20], error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line[5..line.IndexOf('/', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture)));
    }
}
