using System.Globalization;

namespace PeaEngine.Perf.Gpu;

/// <summary>What the launches of a model cost on paper: by kernel, and all together.</summary>
/// <param name="Model">The model.</param>
/// <param name="Chip">The chip.</param>
/// <param name="Estimates">Every launch, in order.</param>
sealed record ModelEstimate(GpuModel Model, Chip Chip, IReadOnlyList<Estimate> Estimates)
{
    public double Seconds => Estimates.Sum(estimate => estimate.Seconds);

    /// <summary>Operations of what has a kernel.</summary>
    public double Flops => Estimates.Where(estimate => estimate.Launch.Entry != KernelLaunch.None).Sum(estimate => estimate.Launch.Call.Flops);

    /// <summary>Operations of the definition over what the chip's tensor cores could do in that time.</summary>
    public double PeakShare => Flops / Seconds / Chip.Peak;

    /// <summary>Seconds by what they are spent on, the longest first.</summary>
    public IEnumerable<(Bound Bound, double Seconds)> Bounds =>
        Estimates.GroupBy(estimate => estimate.Bound).Select(group => (group.Key, group.Sum(estimate => estimate.Seconds))).OrderByDescending(bound => bound.Item2);

    /// <summary>Ops that have no kernel, and how often they are called.</summary>
    public IReadOnlyList<(string Op, int Calls)> Missing =>
        [.. Estimates.Where(estimate => estimate.Launch.Entry == KernelLaunch.None).GroupBy(estimate => estimate.Launch.Call.Op).Select(group => (group.Key, group.Count())).OrderByDescending(op => op.Item2)];

    public static ModelEstimate Of(GpuModel model, Chip chip, KernelFacts facts, bool hasLibrary = true)
    {
        var roofline = new Roofline(chip, facts);
        return new(model, chip, [.. model.Launches(chip, hasLibrary).Select(roofline.Of)]);
    }
}

/// <summary>The report where there is no GPU, as Markdown.</summary>
static class StaticReport
{
    const string NothingTimed = "**Nothing was timed: there is no GPU on this machine.** Times are the least that the counts allow (perf/README.md).";

    public static void Write(TextWriter output, KernelFacts facts, IReadOnlyList<GpuModel> models, bool hasLibrary, bool everyShape, string? png = null)
    {
        output.WriteLine(NothingTimed);
        output.WriteLine($"Kernels as compiled by {facts.Compiler} on {facts.Date} at commit {facts.Commit}; launches of commit {Machine.Commit}.");
        if (FactsWriter.Stale(facts) is { Count: > 0 } stale) output.WriteLine($"Changed since they were compiled and counted: {string.Join(", ", stale)}.");
        output.WriteLine();
        output.WriteLine("| model | GPU | launches | TFLOP | GB | ms, at least | TFLOP/s | % of the dense peak | bound by |");
        output.WriteLine("|---|---|--:|--:|--:|--:|--:|--:|---|");
        var estimates = models.SelectMany(model => Chip.All.Select(chip => ModelEstimate.Of(model, chip, facts, hasLibrary))).ToList();
        foreach (var estimate in estimates)
            output.WriteLine(Text($"| {estimate.Model.Title} | {estimate.Chip.Name} | {estimate.Estimates.Count} | {estimate.Flops * 1e-12:0.00} | {estimate.Estimates.Sum(each => each.Launch.Call.Bytes) * 1e-9:0.0} | {estimate.Seconds * 1e3:0.00} | {estimate.Flops / estimate.Seconds * 1e-12:0} | {100 * estimate.PeakShare:0.0} | {string.Join(", ", estimate.Bounds.Take(4).Select(bound => Text($"{Name(bound.Bound)} {100 * bound.Seconds / estimate.Seconds:0} %")))} |"));
        foreach (var estimate in estimates.Where(estimate => estimate.Missing.Count > 0))
            output.WriteLine($"\n{estimate.Model.Title}, {estimate.Chip.Name}: without a kernel, and not in the sum: {string.Join(", ", estimate.Missing.Select(op => $"{op.Op} x {op.Calls}"))}.");
        foreach (var estimate in estimates) WriteKernels(output, estimate, facts, everyShape);
        if (png != null) GpuProgram.Draw(png, "Nothing was timed: least times on paper, by kernel", [.. estimates.Select(Bar)]);
    }

    static ReportBar Bar(ModelEstimate model) => new($"{model.Model.Title}, {model.Chip.Name}",
        [.. model.Estimates.GroupBy(estimate => estimate.Launch.Entry).Select(group => (group.Key, group.Sum(estimate => estimate.Seconds) * 1e3))]);

    static void WriteKernels(TextWriter output, ModelEstimate model, KernelFacts facts, bool everyShape)
    {
        output.WriteLine($"\n{model.Model.Title}, {model.Chip.Name}\n");
        output.WriteLine("| kernel | launches | ms | % | registers | shared KB | blocks an SM | occupancy % | HMMA | conflicts a pass | bytes a sector | GFLOP | MB | even % | useful % | bound by |");
        output.WriteLine("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|");
        var rows = model.Estimates.Where(estimate => estimate.Launch.Entry != KernelLaunch.None)
            .GroupBy(estimate => everyShape ? $"{estimate.Launch.Entry} {estimate.Launch.Call.Shape}" : estimate.Launch.Entry).OrderByDescending(group => group.Sum(estimate => estimate.Seconds));
        foreach (var row in rows)
        {
            var longest = row.MaxBy(estimate => estimate.Seconds)!;
            var (launch, seconds) = (longest.Launch, row.Sum(estimate => estimate.Seconds));
            var fact = facts.Find(launch.Entry);
            var build = fact?.Builds.GetValueOrDefault(model.Chip.Architecture);
            var counts = fact?.Counts;
            var length = launch.Call.Length;
            output.WriteLine(Text($"| {row.Key} | {row.Count()} | {seconds * 1e3:0.000} | {100 * seconds / model.Seconds:0.0} | {build?.Registers} | {(launch.IsOurs ? Text($"{((build?.SharedBytes ?? 0) + launch.Shape.SharedBytes) / 1024.0:0.#}") : "")} | {(build == null ? "" : longest.Occupancy)} | {(build == null ? "" : Text($"{100 * Chip.Share(longest.Occupancy, launch.Threads):0}"))} | {build?.Hmma} | {(counts == null ? "" : Text($"{counts.SharedConflicts.At(length) / Math.Max(1, counts.SharedPasses.At(length)):0.00}"))} | {(counts == null ? "" : Text($"{counts.GlobalBytes.At(length) / Math.Max(1, counts.GlobalSectors.At(length)):0.0}"))} | {row.Sum(estimate => estimate.Launch.Call.Flops) * 1e-9:0.0} | {row.Sum(estimate => estimate.Launch.Call.Bytes) * 1e-6:0.0} | {(launch.IsOurs ? Text($"{100 * row.Average(estimate => estimate.Evenness):0}") : "")} | {(launch.Call.Flops > 0 && launch.IsOurs ? Text($"{100 * row.Sum(estimate => estimate.Launch.Call.Flops) / row.Sum(estimate => estimate.Launch.Call.Flops / estimate.Useful):0}") : "")} | {Name(longest.Bound)} |"));
        }
    }

    static string Name(Bound bound) => bound switch
    {
        Bound.Tensor => "tensor cores",
        Bound.Issue => "instructions",
        Bound.Shared => "shared memory",
        Bound.Cache => "cache",
        Bound.Memory => "memory",
        Bound.Launch => "launches",
        Bound.Library => "cuBLASLt",
        _ => "not counted",
    };

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
