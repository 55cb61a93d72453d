using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Images;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;
using PeaEngine.Train.Evaluation;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea eval</c>: compares an adapter with the teacher, language by language.</summary>
static class EvalCommand
{
    static readonly Option<string> Adapter = new("--adapter") { Description = "The PEA adapter: .safetensors or .bin. It is rounded to f16, as it is published.", HelpName = "FILE", Required = true };
    static readonly Option<string?> Student = new("--student") { Description = "The text encoder that it is for: a folder or file as its authors publish it. Default: samples/emoji/student.", HelpName = "DIR" };
    static readonly Option<string?> Model = new("--model") { Description = "The teacher: a pipeline folder or a single file. Default: samples/emoji/teacher.", HelpName = "PATH" };
    static readonly Option<LoraSource[]?> Lora = new("--lora")
    {
        Description = "A LoRA, with its scale, that the student's UNet has and the teacher's has not: what pea train wrote; may be given several times. Default scale: 1.",
        HelpName = "FILE[:SCALE]",
        CustomParser = OptionParsers.Loras,
    };
    static readonly Option<string?> Reference = new("--reference") { Description = "JSON with captions, timesteps and time ids, and the noise in evaluation.safetensors beside it. Default: the one of samples/emoji.", HelpName = "JSON" };
    static readonly Option<string?> Output = new("--output", "-o") { Description = "Also draws the table: .png or .jpg.", HelpName = "PATH" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object on standard output." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("eval", "Measures how far an adapter is from the teacher, by language and split: 0 is the teacher, 1 is no text at all.")
        {
            Adapter, Student, Model, Lora, Reference, Output, DeviceOptions.Name, DeviceOptions.Type, DeviceOptions.Threads, Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var watch = Stopwatch.StartNew();
        string file = parsed.GetRequiredValue(Adapter), student = parsed.GetValue(Student) ?? DefaultFiles.Student();
        var picture = parsed.GetValue(Output);
        DeviceOptions.Check(parsed);
        if (picture != null)
        {
            if (!PixelImage.CanSave(picture)) throw new OptionException($"output: '{picture.ReplaceLineEndings(" ")}', expected a name that ends in .png, .jpg or .jpeg");
            AtomicFile.Check(picture);
        }
        var reference = EvaluationReference.Load(parsed.GetValue(Reference) ?? DefaultFiles.Reference());

        using var interrupt = new Interrupt();
        using var backend = DeviceOptions.Open(parsed);
        using var adapter = PeaAdapter.Load(file, backend, DType.F16);
        using var encoder = StudentEncoder.Load(student, backend, reference.StudentTokens);
        using var pipeline = DiffusionPipeline.Load(parsed.GetValue(Model) ?? DefaultFiles.Model(), backend);
        var result = ProgressDisplay.Watch<EvaluationResult, EvaluationProgress>(parsed.InvocationConfiguration.Error, "reading the captions",
            progress => new(progress.Done, progress.Total, progress.Elapsed, string.Create(CultureInfo.InvariantCulture, $"prediction {progress.Done}/{progress.Total}, {progress.PerSecond:0.0} predictions/s")),
            progress => new Evaluator(pipeline, reference).Run(adapter, encoder, parsed.GetValue(Lora), progress, interrupt.Token));

        var table = new EvaluationTable(result, reference);
        if (picture != null) table.Draw().Save(picture);
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(Json)) WriteJson(output, file, result, watch.Elapsed);
        else
        {
            output.Write(table.ToText());
            if (picture != null) output.WriteLine($"wrote {picture}");
        }
        return ExitCode.Done;
    }

    static void WriteJson(TextWriter output, string adapter, EvaluationResult result, TimeSpan elapsed) => JsonOutput.Write(output, writer =>
    {
        writer.WriteString("adapter", adapter);
        foreach (var split in result.Splits)
        {
            foreach (var (language, distance) in result.Languages.Zip(split.Distances)) writer.WriteNumber(EvaluationResult.Key(split.Name, language), Math.Round(distance, 6));
            writer.WriteNumber(EvaluationResult.Key(split.Name, "mean"), Math.Round(split.Mean, 6));
        }
        writer.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
    });
}
