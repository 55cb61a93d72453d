using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using PeaEngine.Diffusion.Checkpoints;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea convert</c>: writes a checkpoint anew, as safetensors or as a file of torch's.</summary>
static class ConvertCommand
{
    static readonly Argument<string> From = new("from") { Description = "A file of tensors (.safetensors, .bin, .pt, .ckpt, an index of shards), a pipeline in one file, or the folder of a pipeline or a component." };
    static readonly Argument<string> To = new("to") { Description = "A name that ends in .safetensors or, as torch saves adapters, .bin, which is replaced (a pipeline's folder becomes one file in the original naming), or a folder that is not there or empty." };
    static readonly Option<DType?> Type = new("--dtype") { Description = "Rounds floating tensors to f16, bf16 or f32. Default: as they are.", HelpName = "TYPE", CustomParser = OptionParsers.Weights };
    static readonly Option<string?> Config = new("--config") { Description = "Pipeline folder with the configurations and tokenizers of a single file; only needed where that is of no known architecture.", HelpName = "DIR" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object on standard output." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("convert", "Writes a checkpoint anew as safetensors, or as a .bin of torch's.") { From, To, Type, Config, Json };
        command.SetAction(parsed =>
        {
            using var interrupt = new Interrupt();
            var watch = Stopwatch.StartNew();
            var options = new ConversionOptions { DType = parsed.GetValue(Type), Config = parsed.GetValue(Config) };
            var written = CheckpointConversion.Run(parsed.GetRequiredValue(From), parsed.GetRequiredValue(To), options, interrupt.Token);
            Print(parsed.InvocationConfiguration.Output, written, watch.Elapsed, parsed.GetValue(Json));
            return ExitCode.Done;
        });
        return command;
    }

    static void Print(TextWriter output, IReadOnlyList<ConvertedWeights> written, TimeSpan elapsed, bool json)
    {
        if (!json)
        {
            foreach (var (path, tensors, bytes) in written)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {path}: {tensors} tensors, {bytes / (double)(1 << 20):0.0} MiB"));
            return;
        }
        JsonOutput.Write(output, writer =>
        {
            writer.WriteStartArray("weights");
            foreach (var (path, tensors, bytes) in written)
            {
                writer.WriteStartObject();
                writer.WriteString("path", path);
                writer.WriteNumber("tensors", tensors);
                writer.WriteNumber("bytes", bytes);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
        });
    }
}
