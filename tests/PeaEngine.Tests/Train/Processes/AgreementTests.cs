using PeaEngine.Train;
using PeaEngine.Train.Training;

namespace PeaEngine.Tests.Train.Processes;

/// <summary>Whenever one of several is cancelled, all end after the same step.</summary>
public sealed class AgreementTests(SharedRunTests.RunAlone alone) : IClassFixture<SharedRunTests.RunAlone>, IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WithoutItTheRunIsThatOfOneAlone()
    {
        var config = SharedRunTests.Config(folder.At("run"));
        Assert.Equal((3L, 3L), Train(null));
        Trajectory.AssertSame(config.Adapter!, alone.Of(3), new(config.Output));
    }

    /// <summary>Before its first step, and in the second where the others are met next for the teacher's variances, for the losses, and, the step being made, for another one.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(StepSums, 1)]
    [InlineData(StepSums + 2, 1)]
    [InlineData(StepSums + 3, 1)]
    [InlineData(StepSums + 4, 2)]
    [InlineData(StepSums + 6, 2)]
    [InlineData(2 * StepSums - 1, 2)]
    public void AllEndAfterTheSameStep(int sum, long expected)
    {
        var (first, second) = Train(sum);
        Assert.Equal(first, second);
        Assert.Equal(expected, first);
        var checkpoints = new RunFolder(folder.At("run")).Checkpoints;
        Assert.Equal(expected == 0 ? [] : [$"step-{expected:D8}"], Directory.Exists(checkpoints) ? Directory.EnumerateFileSystemEntries(checkpoints).Select(Path.GetFileName) : []);
    }

    /// <summary>Sums of a step: three agreements, the counts, the variances, the losses, and the gradients of seven parameters.</summary>
    const int StepSums = 3 + 3 + 7;

    /// <summary>Two threads train; the second is cancelled before its sum of that number, or never. Gives the steps of both.</summary>
    (long First, long Second) Train(int? cancelledAt)
    {
        var groups = ThreadGroup.Create(2);
        var tasks = Array.ConvertAll(groups, group => Task.Factory.StartNew(() =>
        {
            using var stop = new CancellationTokenSource();
            using var backend = Device.Open("cpu", 1);
            using var trainer = new Trainer(SharedRunTests.Config(folder.At("run")) with { Accumulation = 2 }, backend, _ => { }, group);
            var before = group.Sums;
            if (group.Rank == 1) group.BeforeSum = sums => { if (sums - before == cancelledAt) stop.Cancel(); };
            if (cancelledAt == null) trainer.Run();
            else Assert.ThrowsAny<OperationCanceledException>(() => trainer.Run(cancellation: stop.Token));
            return trainer.Steps;
        }, TaskCreationOptions.LongRunning));
        return (tasks[0].Result, tasks[1].Result);
    }
}
