using System.Text;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Pipelines;

/// <summary>Where a model stops and the refiner goes on.</summary>
public class StepWindowTests
{
    [Theory]
    [InlineData("EulerDiscreteScheduler", 10, 0.8, 8, 8)]
    [InlineData("EulerDiscreteScheduler", 25, 0.5, 12, 12)]
    // Heun gives every timestep but the first twice: the refiner begins with the first of a pair, wherever the model stopped.
    [InlineData("HeunDiscreteScheduler", 10, 0.8, 15, 14)]
    public void TheRefinerTakesWhatIsLeft(string className, int steps, double start, int end, int first)
    {
        using var scheduler = Create(className, steps);
        var plan = new GenerationPlan(GenerationKind.TextToImage, steps, 5, 1, 64, 64);
        var window = StepWindow.Of(scheduler, plan).EndingAt(scheduler, start);
        Assert.Equal(new StepWindow(0, end), window);
        Assert.Equal(new StepWindow(first, scheduler.Timesteps.Count), StepWindow.StartingAt(scheduler, start));
    }

    [Fact]
    public void AnInitImagesStrengthMayLeaveTheModelNothing()
    {
        using var scheduler = Create("EulerDiscreteScheduler", 10);
        var plan = new GenerationPlan(GenerationKind.ImageToImage, 10, 5, 0.1, 64, 64);
        Assert.Equal(0, StepWindow.Of(scheduler, plan).EndingAt(scheduler, 0.5).Count);
    }

    static Scheduler Create(string className, int steps)
    {
        var json = $$"""{"_class_name":"{{className}}","num_train_timesteps":1000,"timestep_spacing":"leading","steps_offset":1,"beta_schedule":"scaled_linear"}""";
        var scheduler = Scheduler.FromConfig(JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "scheduler_config.json"));
        scheduler.SetTimesteps(steps);
        return scheduler;
    }
}
