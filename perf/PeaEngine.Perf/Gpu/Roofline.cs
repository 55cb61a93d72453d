namespace PeaEngine.Perf.Gpu;

/// <summary>What a launch waits for longest.</summary>
enum Bound { Tensor, Issue, Shared, Cache, Memory, Launch, Library, Unknown }

/// <summary>A launch on a chip, as it would be if all that can overlap did.</summary>
/// <param name="Launch">The launch.</param>
/// <param name="Seconds">From its start to the next one's.</param>
/// <param name="Bound">What takes longest.</param>
/// <param name="Occupancy">Blocks of it that a multiprocessor holds.</param>
/// <param name="Evenness">Blocks of the busiest multiprocessor if they were spread evenly, over what they are.</param>
/// <param name="Useful">The op's operations over those that its tiles compute.</param>
sealed record Estimate(KernelLaunch Launch, double Seconds, Bound Bound, int Occupancy, double Evenness, double Useful);

/// <summary>
/// The least time of a launch: the longest of what tensor cores, schedulers, shared memory, second-level cache and memory need for it, each at its peak or the share of it that has been measured
/// elsewhere. Blocks are whole: the multiprocessor that has most of them decides.
/// </summary>
sealed class Roofline(Chip chip, KernelFacts facts)
{
    public Chip Chip => chip;

    public Estimate Of(KernelLaunch launch)
    {
        var memory = launch.Call.Bytes / (chip.Bandwidth * chip.CopyShare);
        if (launch.Entry == KernelLaunch.None) return new(launch, 0, Bound.Unknown, 0, 1, 1);
        if (launch.Entry == KernelLaunch.Library) return Longest(launch, 0, 1, 1, (Bound.Library, launch.Call.Flops / (chip.Peak * chip.LibraryShare)), (Bound.Memory, memory));
        if (!launch.IsOurs) return Longest(launch, 0, 1, 1, (Bound.Memory, memory));
        var fact = facts.Find(launch.Entry);
        var build = fact?.Builds.GetValueOrDefault(chip.Architecture);
        var occupancy = build == null ? 0 : chip.Occupancy(launch.Threads, build.Registers, build.SharedBytes + launch.Shape.SharedBytes);
        var busiest = (launch.Blocks + chip.Multiprocessors - 1) / chip.Multiprocessors;
        var evenness = (double)launch.Blocks / chip.Multiprocessors / busiest;
        if (fact?.Counts is not { } counts) return Longest(launch, occupancy, evenness, 1, (Bound.Unknown, launch.Call.Flops / (chip.Peak * chip.MmaShare) / evenness), (Bound.Memory, memory));
        var length = launch.Call.Length;
        double Cycles(PerBlock count, double rate) => busiest * count.At(length) / rate / chip.Clock;
        var products = counts.MmaFlops.At(length);
        return Longest(launch, occupancy, evenness, products > 0 && launch.Call.Flops > 0 ? launch.Call.Flops / (products * launch.Blocks) : 1,
            (Bound.Tensor, Cycles(counts.MmaFlops, chip.TensorFlops * chip.MmaShare)),
            (Bound.Issue, Cycles(counts.Instructions, Chip.Schedulers)),
            (Bound.Shared, Cycles(counts.SharedPasses, 1)),
            // What products read goes past the first-level cache; what a norm reads again comes from that.
            (Bound.Cache, products == 0 ? 0 : launch.Blocks * counts.GlobalSectors.At(length) * SectorBytes / (chip.CacheBytes * chip.Clock)),
            (Bound.Memory, memory));
    }

    const int SectorBytes = 32;

    Estimate Longest(KernelLaunch launch, int occupancy, double evenness, double useful, params ReadOnlySpan<(Bound Bound, double Seconds)> bounds)
    {
        var longest = (Bound: Bound.Launch, Seconds: 0.0);
        foreach (var bound in bounds)
            if (bound.Seconds > longest.Seconds) longest = bound;
        return new(launch, longest.Seconds + chip.LaunchSeconds, longest.Seconds < chip.LaunchSeconds ? Bound.Launch : longest.Bound, occupancy, evenness, useful);
    }
}
