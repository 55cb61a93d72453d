using System.Text.Json;
using System.Text.Json.Serialization;

namespace PeaEngine.Perf.Gpu;

/// <summary>What the compiler made of a kernel for an architecture.</summary>
/// <param name="Registers">Of a thread.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
/// <param name="SpilledBytes">Stores to memory for want of registers.</param>
/// <param name="Instructions">Of the machine code.</param>
/// <param name="Hmma">Those of them that are matrix products.</param>
sealed record KernelBuild(int Registers, int SharedBytes, int SpilledBytes, int Instructions, int Hmma);

/// <summary>What a block does, as the virtual GPU counts it: so much anyway, and so much more for each step of its innermost loop (<see cref="OpCall.Length"/>).</summary>
readonly record struct PerBlock(double Fixed, double Slope)
{
    public double At(int length) => Fixed + Slope * length;

    /// <summary>Through one point, or through two.</summary>
    public static PerBlock Through((int Length, double Value) first, (int Length, double Value) second)
    {
        if (first.Length == second.Length) return new(second.Value, 0);
        var slope = (second.Value - first.Value) / (second.Length - first.Length);
        return new(first.Value - slope * first.Length, slope);
    }
}

/// <summary>Counts of a block: warps' instructions, operations of matrix products, passes of shared memory and those more than without conflicts, bytes asked of global memory and its 32-byte sectors.</summary>
sealed record KernelCounts(PerBlock Instructions, PerBlock MmaFlops, PerBlock SharedPasses, PerBlock SharedConflicts, PerBlock GlobalBytes, PerBlock GlobalSectors);

/// <summary>A kernel as far as it can be known without a GPU.</summary>
/// <param name="Entry">Its name.</param>
/// <param name="Program">The file in kernels/.</param>
/// <param name="Source">SHA-256 of the file with its headers, as far as it tells one from another.</param>
/// <param name="Builds">By architecture.</param>
/// <param name="Counts">Null where no sample launches it.</param>
sealed record KernelFact(string Entry, string Program, string Source, IReadOnlyDictionary<int, KernelBuild> Builds, KernelCounts? Counts);

/// <summary>All kernels, as they were compiled and counted when the file was written that lies in this assembly.</summary>
sealed record KernelFacts(string Date, string Commit, string Compiler, IReadOnlyList<KernelFact> Kernels)
{
    /// <summary>The file, beside this one.</summary>
    public const string FileName = "kernels.json";

    static readonly Lazy<KernelFacts> Embedded = new(() =>
    {
        using var stream = typeof(KernelFacts).Assembly.GetManifestResourceStream(FileName)!;
        return JsonSerializer.Deserialize<KernelFacts>(stream, Format)!;
    });

    static readonly JsonSerializerOptions Format = new() { NewLine = "\n", PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    Dictionary<string, KernelFact>? byEntry;

    /// <summary>Those of the assembly.</summary>
    public static KernelFacts Load() => Embedded.Value;

    /// <summary>A kernel, or null: it is newer than the file.</summary>
    public KernelFact? Find(string entry) => (byEntry ??= Kernels.ToDictionary(kernel => kernel.Entry)).GetValueOrDefault(entry);

    /// <summary>A kernel a line.</summary>
    public void Write(string path)
    {
        var lines = Kernels.Select(kernel => JsonSerializer.Serialize(kernel, Format));
        File.WriteAllText(path, $$"""
            {"date":"{{Date}}","commit":"{{Commit}}","compiler":"{{Compiler}}","kernels":[
            {{string.Join(",\n", lines)}}
            ]}

            """);
    }
}
