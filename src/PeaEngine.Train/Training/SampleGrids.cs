using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Train.Config;
using PeaEngine.Train.Metrics;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Training;

/// <summary>
/// Pictures of the same prompts and noise every so many steps and at the end, drawn with what is trained as it is then. Nothing of the training depends on them.
/// </summary>
sealed class SampleGrids
{
    readonly TrainConfig config;
    readonly RunFolder folder;
    readonly TrainModels models;
    readonly TrainingTarget target;

    /// <summary>Checks that the pictures can be drawn.</summary>
    /// <exception cref="OptionException">An option does not go with the teacher.</exception>
    public SampleGrids(TrainConfig config, RunFolder folder, TrainModels models, TrainingTarget target)
    {
        (this.config, this.folder, this.models, this.target) = (config, folder, models, target);
        if (config.Samples.Every > 0) DiffusionPipeline.Check(models.Teacher.Source, Options(""));
    }

    /// <summary>Whether there is a grid to be drawn after a step of distillation.</summary>
    public bool IsDue(long step) => config.Samples.Every > 0 && (step % config.Samples.Every == 0 || step == config.Steps) && !File.Exists(folder.SamplesOf(step));

    /// <summary>Draws a grid, a picture a prompt, and writes it.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; nothing is written.</exception>
    public PixelImage Draw(long step, CancellationToken cancellation)
    {
        target.BeforeStudent();
        models.Teacher.UseAdapter(target.Adapter, models.Student);
        List<PixelImage> pictures = [.. config.Samples.Prompts.Select(prompt => models.Teacher.Generate(Options(prompt), null, cancellation)[0].Pixels)];
        var grid = SampleGrid.Tile(pictures, (int)Math.Ceiling(Math.Sqrt(pictures.Count)));
        Directory.CreateDirectory(folder.Samples);
        grid.Save(folder.SamplesOf(step));
        return grid;
    }

    GenerateOptions Options(string prompt) => new()
    {
        Prompt = prompt,
        Steps = config.Samples.Steps,
        Guidance = config.Samples.Guidance,
        Scheduler = config.Samples.Scheduler,
        Seed = config.Samples.Seed,
        Width = config.Samples.Size?.Width,
        Height = config.Samples.Size?.Height,
    };
}
