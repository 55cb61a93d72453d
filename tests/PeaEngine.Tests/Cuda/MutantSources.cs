using System.Collections.Concurrent;
using System.Text;
using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Machine;
using PeaEngine.VirtualGpu.Memory;
using PeaEngine.VirtualGpu.Mutation;

namespace PeaEngine.Tests.Cuda;

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
