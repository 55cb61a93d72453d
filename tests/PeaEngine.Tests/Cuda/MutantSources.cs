using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Mutation;

namespace PeaEngine.Tests.Cuda;

/// <summary>A line of <c>kernels/unnoticed.txt</c>: mutants that nothing can notice.</summary>
/// <param name="Text">The line.</param>
/// <param name="Kernels">Names of kernels.</param>
/// <param name="Kinds">What is taken out.</param>
/// <param name="BothWays">Whether it does not matter which of two ways all lanes go, or which of two things they take; otherwise one of the two is noticed.</param>
/// <param name="Place">The file and the source there.</param>
sealed record UnnoticedLine(string Text, Regex Kernels, MutationKind[] Kinds, bool BothWays, Regex Place)
{
    const string Both = " both ways";

    /// <summary>All lines.</summary>
    public static UnnoticedLine[] All { get; } = [.. from line in File.ReadAllLines(Path.Combine(Repository.Root, "kernels", "unnoticed.txt")) where line.Length > 0 && line[0] != '#' select Parse(line)];

    public bool Covers(Mutant mutant) => Kinds.Contains(mutant.Kind) && Kernels.IsMatch(mutant.Kernel) && Place.IsMatch(MutantSources.Place(mutant));

    static UnnoticedLine Parse(string line)
    {
        // A place may have bars, too.
        var parts = line.Split(" | ");
        if (parts.Length < 4) throw new InvalidDataException($"{line}: expected KERNELS | KINDS | FILE: SOURCE | REASON");
        var kinds = parts[1].Replace(Both, "", StringComparison.Ordinal).Split(", ").Select(Enum.Parse<MutationKind>);
        return new(line, Matching(parts[0], "*"), [.. kinds], parts[1].EndsWith(Both, StringComparison.Ordinal), Matching(string.Join(" | ", parts[2..^1]), "..."));
    }

    static Regex Matching(string text, string any) => new($"^({Regex.Escape(text).Replace(Regex.Escape(any), ".*", StringComparison.Ordinal).Replace(",\\ ", any == "*" ? "|" : ",\\ ", StringComparison.Ordinal)})$");
}

/// <summary>The kernels' mutants and what the source says there.</summary>
static class MutantSources
{
    static readonly ConcurrentDictionary<string, Lazy<Mutant[]>> Known = [];

    static readonly Lazy<Dictionary<string, string[]>> Files = new(() => KernelSources.Names.Select(name => KernelSources.Get(name)).SelectMany(source => source.Headers.Append(new($"{source.Name}.cu", source.Text)))
        .DistinctBy(file => file.Key).ToDictionary(file => file.Key, file => file.Value.Split('\n')));

    /// <summary>All lines of all files.</summary>
    public static IEnumerable<(string File, int Line, string Text)> Lines => Files.Value.SelectMany(file => file.Value.Select((text, line) => (file.Key, line + 1, text)));

    /// <summary>The mutants of all kernels of a program.</summary>
    public static Mutant[] Of(string program) => Known.GetOrAdd(program, _ => new(() =>
    {
        using var memory = new DeviceMemory();
        using var module = new ModuleImage(Encoding.UTF8.GetString(new KernelCache(NvrtcPresence.Compiler).Get(KernelSources.Get(program), new(80, IsPtx: true))).TrimEnd('\0'), memory, GpuArchitecture.Sm80);
        return [.. module.Kernels.SelectMany(kernel => Mutant.Of(module, kernel))];
    })).Value;

    /// <summary>Whether it is a loop's own condition.</summary>
    public static bool IsLoop(Mutant mutant) => mutant.Kind == MutationKind.Jump && (string[])["for (", "while ("] is var words && Array.Exists(words, Files.Value[mutant.File][mutant.Line - 1][(mutant.Column - 1)..].StartsWith);

    /// <summary>A mutant's file, and the source there: of a barrier alone in its line the line before it, too.</summary>
    public static string Place(Mutant mutant)
    {
        var lines = Files.Value[mutant.File];
        var text = lines[mutant.Line - 1].Trim();
        return $"{mutant.File}: {(text.StartsWith("__sync", StringComparison.Ordinal) ? $"{lines[mutant.Line - 2].Trim()} {text}" : text)}";
    }
}
