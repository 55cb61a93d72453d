using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PeaEngine.Diffusion.Checkpoints;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea info</c>: what a checkpoint is, without loading it.</summary>
static class InfoCommand
{
    static readonly Argument<string> Target = new("path") { Description = "A pipeline folder, a component's folder, or a file of tensors (.safetensors, .bin, .pt, .ckpt)." };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object on standard output." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("info", "Shows what a checkpoint is: its parts, parameters and element types.") { Target, Json };
        command.SetAction(parsed =>
        {
            var info = CheckpointInfo.Read(parsed.GetRequiredValue(Target));
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(Json)) JsonOutput.Write(output, writer => Write(writer, info));
            else Print(output, info);
            return ExitCode.Done;
        });
        return command;
    }

    static void Print(TextWriter output, CheckpointInfo info)
    {
        output.WriteLine($"{info.Path}: {info.ClassName ?? info.Kind}, {Parameters(info.Parameters)}, {Size(info.Bytes)}");
        var width = info.Parts.Select(part => part.Name.Length).DefaultIfEmpty().Max();
        foreach (var part in info.Parts)
        {
            var dtypes = string.Join(", ", part.DTypes.Select(count => $"{count.DType} {Parameters(count.Parameters)}"));
            var content = part.Weights == null ? "no weights" : $"{part.Tensors} tensors, {Size(part.Bytes)}: {dtypes}";
            output.WriteLine($"  {part.Name.PadRight(width)}  {part.ClassName ?? part.Kind}, {content}");
        }
        foreach (var (key, value) in info.Metadata) output.WriteLine($"  metadata {key}: {value}");
    }

    static void Write(Utf8JsonWriter writer, CheckpointInfo info)
    {
        writer.WriteString("path", info.Path);
        writer.WriteString("kind", info.Kind);
        writer.WriteString("class_name", info.ClassName);
        writer.WriteNumber("parameters", info.Parameters);
        writer.WriteNumber("bytes", info.Bytes);
        writer.WriteStartArray("parts");
        foreach (var part in info.Parts)
        {
            writer.WriteStartObject();
            writer.WriteString("name", part.Name);
            writer.WriteString("kind", part.Kind);
            writer.WriteString("class_name", part.ClassName);
            writer.WriteString("weights", part.Weights);
            writer.WriteNumber("tensors", part.Tensors);
            writer.WriteNumber("parameters", part.Parameters);
            writer.WriteNumber("bytes", part.Bytes);
            writer.WriteStartObject("dtypes");
            foreach (var count in part.DTypes) writer.WriteNumber(count.DType.ToString(), count.Parameters);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartObject("metadata");
        foreach (var (key, value) in info.Metadata) writer.WriteString(key, value);
        writer.WriteEndObject();
    }

    static string Parameters(long count) => count switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.00} B parameters"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.0} M parameters"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count:#,0} parameters"),
    };

    static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):0.0} MiB");
}
