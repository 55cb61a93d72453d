using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using PeaEngine.Backends;
using PeaEngine.Cuda;
using PeaEngine.VirtualGpu.Checks;

namespace PeaEngine.Tests.Cuda;

/// <summary>The catalogue of kernels (<c>kernels/README.md</c>) against the kernels: each has a row, and what the virtual GPU counts stays within the row's limits.</summary>
public partial class CudaKernelCatalogTests
{
    /// <summary>A row's limits: passes of shared memory beyond the least and 32-byte sectors for each that the bytes would fill, both at most, and the share of tensor core products, at least.</summary>
    sealed record Limits(double Conflicts, double Sectors, double MmaShare)
    {
        /// <summary>What of a kernel's counts is beyond them.</summary>
        public IEnumerable<string> Exceeded(string kernel, Counters counters)
        {
            var conflicts = counters.SharedRequests == 0 ? 0 : (double)counters.SharedConflicts / counters.SharedRequests;
            if (conflicts > Conflicts) yield return Invariant($"{kernel}: {conflicts:0.###} conflicts an access of shared memory, expected at most {Conflicts}");
            if (counters.SectorsPerIdeal > Sectors) yield return Invariant($"{kernel}: {counters.SectorsPerIdeal:0.###} sectors for each that is needed, expected at most {Sectors}");
            if (counters.MmaShare < MmaShare) yield return Invariant($"{kernel}: {100 * counters.MmaShare:0.###} % of the instructions are HMMA, expected at least {100 * MmaShare} %");
        }

        static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    [NvrtcFact]
    public void EveryKernelHasARowAndEveryRowKernels()
    {
        string[] entries = [.. KernelSources.Names.SelectMany(name => Entry().Matches(Expanded(name)).Select(entry => entry.Groups[1].Value))];
        var rows = Rows(Catalogue);
        Assert.True(entries.All(rows.ContainsKey), $"kernels without a row in kernels/README.md: {string.Join(", ", entries.Except(rows.Keys))}");
        Assert.True(rows.Keys.All(entries.Contains), $"rows of kernels/README.md without a kernel: {string.Join(", ", rows.Keys.Except(entries))}");
    }

    [VirtualTheory, InlineData(DType.F32), InlineData(DType.F16), InlineData(DType.BF16)]
    public void CountersStayWithinTheirLimits(DType type)
    {
        var rows = Rows(Catalogue);
        Dictionary<string, Counters> counts = [];
        foreach (var launch in RepresentativeOp.Runs.Where(run => run.Type == type).SelectMany(run => run.Launches))
        {
            if (!counts.TryGetValue(launch.Kernel, out var sum)) counts.Add(launch.Kernel, sum = new());
            sum.Add(launch.Counters);
        }
        string[] exceeded = [.. counts.SelectMany(each => rows[each.Key].Exceeded(each.Key, each.Value))];
        Assert.True(exceeded.Length == 0, string.Join('\n', exceeded));
        // Kernels whose names end with the type, and in F32 those that have no other.
        Assert.Empty(rows.Keys.Where(kernel => TypeOf(kernel) == type).Except(counts.Keys));
    }

    [Fact]
    public void WhatIsBeyondALimitIsToldWithKernelCounterValueAndLimit()
    {
        var rows = Rows("| kernel | |\n|---|---|\n| `a_{8,16}_{x,y}` | what | grid | 0.25 | 1.5 | 7.5 % |\n| `b` | what | grid | 0 | 1 | 0 % |\n");
        Assert.Equal(["a_8_x", "a_8_y", "a_16_x", "a_16_y", "b"], rows.Keys);
        var counters = new Counters { Instructions = 1000, Mma = 75, SharedRequests = 100, SharedConflicts = 25, GlobalBytes = 3200, GlobalSectors = 150 };
        Assert.Empty(rows["a_16_y"].Exceeded("a_16_y", counters));
        Assert.Equal(["b: 0.25 conflicts an access of shared memory, expected at most 0", "b: 1.5 sectors for each that is needed, expected at most 1"], rows["b"].Exceeded("b", counters));
        counters.Mma--;
        Assert.Equal(["a_8_x: 7.4 % of the instructions are HMMA, expected at least 7.5 %"], rows["a_8_x"].Exceeded("a_8_x", counters));
        Assert.Throws<ArgumentException>(() => Rows("| `{a,b}_x` | | | 0 | 1 | 0 % |\n| `b_x` | | | 0 | 1 | 0 % |\n"));
    }

    /// <summary>The type of activations whose ops launch a kernel.</summary>
    static DType TypeOf(string kernel) => kernel.Split('_') switch
    {
        ["copy", "f16", _] => DType.F16,
        ["copy", "bf16", _] => DType.BF16,
        ["copy", ..] => DType.F32,
        [.., "16" or "f16"] => DType.F16,
        [.., "bf16"] => DType.BF16,
        _ => DType.F32,
    };

    static string Catalogue => File.ReadAllText(Path.Combine(Repository.Root, "kernels", "README.md"));

    /// <summary>A catalogue's rows by kernel: names in braces stand for one another.</summary>
    static Dictionary<string, Limits> Rows(string catalogue)
    {
        Dictionary<string, Limits> rows = [];
        foreach (Match row in Row().Matches(catalogue))
        {
            double Number(int group) => double.Parse(row.Groups[group].Value, CultureInfo.InvariantCulture);
            foreach (var kernel in Names(row.Groups[1].Value)) rows.Add(kernel, new(Number(2), Number(3), Number(4) / 100));
        }
        return rows;
    }

    static IEnumerable<string> Names(string pattern)
    {
        var braces = Braces().Match(pattern);
        return braces.Success ? braces.Groups[1].Value.Split(',').SelectMany(name => Names(pattern[..braces.Index] + name + pattern[(braces.Index + braces.Length)..])) : [pattern];
    }

    /// <summary>A program as PTX, which names its kernels.</summary>
    static string Expanded(string program) => Encoding.UTF8.GetString(new KernelCache(NvrtcPresence.Compiler).Get(KernelSources.Get(program), new(80, IsPtx: true)));

    [GeneratedRegex(@"^\| `([^`]+)` \|.*\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) % \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\{([^}]*)\}")]
    private static partial Regex Braces();

    [GeneratedRegex(@"\.visible \.entry (\w+)\(")]
    private static partial Regex Entry();
}
