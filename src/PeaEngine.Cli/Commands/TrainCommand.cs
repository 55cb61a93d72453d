using System.CommandLine;
using PeaEngine.Train;
using PeaEngine.Train.Config;
using PeaEngine.Train.Processes;
using PeaEngine.Train.Training;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea train</c>: trains an adapter by a configuration, or goes on with a run.</summary>
static class TrainCommand
{
    static readonly Argument<string?> Config = new("config") { Description = "YAML; --help-config lists its keys.", Arity = ArgumentArity.ZeroOrOne };
    static readonly Option<string[]> Set = new("--set") { Description = "Overrides a key, such as learning_rate=1e-3; may be given several times.", HelpName = "KEY=VALUE" };
    static readonly Option<string?> Resume = new("--resume") { Description = "A run's folder: goes on from its newest checkpoint, with the configuration that it keeps.", HelpName = "DIR" };
    static readonly Option<bool> DryRun = new("--dry-run") { Description = "Tells how much memory a step takes, and computes nothing." };
    static readonly Option<bool> HelpConfig = new("--help-config") { Description = "Lists every key of a configuration." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("train", "Trains a PEA adapter by distilling a frozen SDXL or SD.") { Config, Set, Resume, DryRun, HelpConfig, DeviceOptions.Name, DeviceOptions.Type, DeviceOptions.Threads };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        if (parsed.GetValue(HelpConfig))
        {
            output.Write(TrainConfig.Help());
            return ExitCode.Done;
        }
        using var interrupt = new Interrupt();
        using var processes = ProcessGroup.Join();
        try
        {
            return Run(parsed, processes, interrupt.Token);
        }
        catch (Exception e) when (processes.Count > 1)
        {
            var (message, exitCode) = CommandRunner.Explain(e);
            // Said before the group is left: then the launcher ends whoever is still there.
            if (e is OperationCanceledException)
            {
                if (processes.IsFirst) error.WriteLine($"pea: {message}");
                return exitCode;
            }
            error.WriteLine($"pea: {processes}: {message.ReplaceLineEndings(" ")}");
            // The others would wait for this one for ever.
            processes.Abort(exitCode);
            throw;
        }
    }

    static int Run(ParseResult parsed, ProcessGroup processes, CancellationToken cancellation)
    {
        var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
        DeviceOptions.Check(parsed, processes.LocalRank);
        var config = Read(parsed.GetValue(Config), parsed.GetValue(Resume), parsed.GetValue(Set) ?? []);
        if (parsed.GetValue(DryRun))
        {
            // Of the process with the most samples.
            var part = config with { Data = config.Data with { BatchSize = (config.Data.BatchSize + processes.Count - 1) / processes.Count } };
            if (processes.IsFirst) output.Write(MemoryTable.Text(TrainingMemory.Measure(part, DeviceOptions.Activations(parsed)), config.Recompute));
            return ExitCode.Done;
        }
        using var backend = DeviceOptions.Open(parsed, processes.Processors, processes.LocalRank);
        using var trainer = new Trainer(config, backend, warning => error.WriteLine($"pea: warning: {warning}"), processes);
        if (!processes.IsFirst)
        {
            trainer.Run(cancellation: cancellation);
            return ExitCode.Done;
        }
        TrainProgress.Watch(error, progress =>
        {
            trainer.Run(progress, cancellation);
            return true;
        });
        output.WriteLine($"wrote {new RunFolder(config.Output).Trained(config.Train)}{DroppedText.Of(trainer.Dropped)}");
        return ExitCode.Done;
    }

    static TrainConfig Read(string? path, string? run, string[] overrides)
    {
        if (run == null) return Fresh(TrainConfig.Load(path ?? throw new OptionException("config: none given, expected a YAML file or --resume"), overrides));
        if (path != null || overrides.Length > 0) throw new OptionException("resume: a run goes on with its own configuration, expected neither another one nor --set");
        return TrainConfig.Load(new RunFolder(run).Config) with { Output = run };
    }

    /// <summary>A run that is there already is not trained over.</summary>
    static TrainConfig Fresh(TrainConfig config) => File.Exists(new RunFolder(config.Output).Config)
        ? throw new OptionException($"output: {config.Output} has a run already, expected another folder, or --resume {config.Output}")
        : config;
}
