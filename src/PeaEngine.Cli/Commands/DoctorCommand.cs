using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace PeaEngine.Cli.Commands;

/// <summary><c>pea doctor</c>: what this machine has, and why something is not used.</summary>
static class DoctorCommand
{
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object on standard output." };

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("doctor", "Shows what the engine finds on this machine: processor, memory, GPU libraries.") { Json };
        command.SetAction(parsed =>
        {
            var facts = MachineFacts.Collect();
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(Json)) JsonOutput.Write(output, writer => Write(writer, facts));
            else
                foreach (var (name, value) in facts) output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-19} {value}"));
            return ExitCode.Done;
        });
        return command;
    }

    static void Write(Utf8JsonWriter writer, IReadOnlyList<(string Name, string Value)> facts)
    {
        foreach (var (name, value) in facts) writer.WriteString(name.Replace(' ', '_').ToLowerInvariant(), value);
    }
}
