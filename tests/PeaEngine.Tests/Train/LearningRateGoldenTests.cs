using PeaEngine.Formats;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Tests.Train;

public class LearningRateGoldenTests
{
    public static TheoryData<string> Cases => GoldenFolder.Cases("distill");

    [Theory, MemberData(nameof(Cases))]
    public void EveryStepHasTheReferencesRate(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var trajectory = JsonConfig.Load(GoldenFolder.At("distill", name, "trajectory.json"));
        var schedule = trajectory.Object("schedule")!;
        Assert.Equal("polynomial power 1", schedule.String("name"));
        var rate = new LearningRate(LearningRateSchedule.Polynomial, schedule.Float("lr"), schedule.Float("lr_end"), 1, schedule.Int("warmup_steps"), schedule.Int("total_steps"));
        var steps = trajectory.Objects("steps");
        Assert.NotEmpty(steps);
        foreach (var step in steps) Assert.Equal(step.Float("lr"), rate.At(step.Int("step")), 1e-15);
    }
}
