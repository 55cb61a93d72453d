using System.Text.RegularExpressions;
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
