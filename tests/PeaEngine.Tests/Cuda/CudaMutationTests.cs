using PeaEngine.Backends;
using PeaEngine.VirtualGpu.Mutation;

namespace PeaEngine.Tests.Cuda;

/// <summary>
/// Whether the tests of kernels would notice errors: what orders threads, and what keeps them inside, is taken out of the PTX one at a time, and the kernel's cases have to trap or to give something wrong. What
/// nobody can notice is listed with its reason in <c>kernels/unnoticed.txt</c>. Kernels in BF16 are those in F16 but for conversions.
/// </summary>
public class CudaMutationTests
{
    public static TheoryData<string> Programs => [.. KernelSources.Names];

    /// <summary>
    /// Every barrier, of a block or of a warp, every wait for copies, and the lanes that take part in every shuffle and vote, in every kernel; every condition that something is done under, each half of those that are
    /// joined, every choice between two things, and the zeros of every copy. Loops that everybody enters are not masks.
    /// </summary>
    [VirtualTheory, MemberData(nameof(Programs))]
    public void EverySynchronisationAndEveryMaskIsNoticed(string program)
    {
        Mutant[] mutants = [.. Tried(program)];
        Assert.NotEmpty(mutants);
        using var run = new MutationRun();
        var unnoticed = run.Unnoticed(program, mutants).Where(mutant => run.Reached.Contains(mutant) || !MutantSources.IsLoop(mutant)).ToHashSet();
        Assert.Equal([], mutants.Select(mutant => mutant.Kernel).Distinct().Except(run.Launched));
        // Of two ways both.
        bool IsNeither(Mutant mutant) => mutants.Any(other => other.IsOtherWay(mutant)) && mutants.All(other => !other.IsOtherWay(mutant) || unnoticed.Contains(other));
        var found = string.Join('\n', from mutant in unnoticed where !Array.Exists(UnnoticedLine.All, line => line.Covers(mutant) && (line.BothWays || !IsNeither(mutant))) select $"{Describe(mutant)}{(run.Reached.Contains(mutant) ? "" : ": no case comes by")}");
        Assert.True(found.Length == 0, $"not noticed:\n{found}");
        // What is listed is not noticed in any kernel that it is said of.
        foreach (var line in UnnoticedLine.All)
            foreach (var kernel in mutants.Where(line.Covers).Select(mutant => mutant.Kernel).Distinct())
                if (!unnoticed.Any(mutant => mutant.Kernel == kernel && line.Covers(mutant))) Assert.Fail($"{kernel}: is noticed, but listed: {line.Text}");
    }

    /// <summary>Nothing is overlooked: the places in the source where threads wait or exchange values are those above, and what is listed is one of them.</summary>
    [VirtualFact]
    public void EverySynchronisationOfTheSourceIsTakenOut()
    {
        string[] texts = ["__syncthreads(", "__syncwarp(", "_sync(", "cp.async.wait_"];
        Mutant[] mutants = [.. KernelSources.Names.SelectMany(Tried)];
        var written = MutantSources.Lines.Where(line => texts.Any(text => line.Text.Contains(text, StringComparison.Ordinal))).Select(line => (line.File, line.Line)).ToHashSet();
        Assert.NotEmpty(written);
        Assert.Equal(written.Order(), mutants.Where(mutant => !mutant.IsMask).Select(mutant => (mutant.File, mutant.Line)).Distinct().Order());
        Assert.Equal([], UnnoticedLine.All.Where(line => !Array.Exists(mutants, line.Covers)).Select(line => line.Text));
    }

    [VirtualTheory, MemberData(nameof(Programs))]
    public void BothSixteenBitTypesHaveTheSameSynchronisations(string program)
    {
        var kernels = MutantSources.Of(program).Where(mutant => !mutant.IsMask).ToLookup(mutant => mutant.Kernel, mutant => (mutant.Kind, mutant.File, mutant.Line));
        foreach (var kernel in kernels.Where(kernel => kernel.Key.Contains("bf16", StringComparison.Ordinal)))
            Assert.Equal(kernels[kernel.Key.Replace("bf16", "f16", StringComparison.Ordinal)].Order(), kernel.Order());
    }

    static IEnumerable<Mutant> Tried(string program) => MutantSources.Of(program).Where(mutant => !mutant.Kernel.Contains("bf16", StringComparison.Ordinal));

    static string Describe(Mutant mutant) => $"{mutant.Kernel} | {mutant.Kind} | {MutantSources.Place(mutant)} | line {mutant.Line}:{mutant.Column} part {mutant.Part} copies {mutant.Indices.Count}";
}
