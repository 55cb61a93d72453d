using System.Globalization;
using PeaEngine.Backends;
using PeaEngine.Perf;

// perf [FILTER…] [--no-torch] [--threads N] [--output FILE]: benchmarks whose name and shape contain one of the filters, or all.
var filters = new List<string>();
var (torch, threads, output) = (true, 0, (string?)null);
for (var i = 0; i < args.Length; i++)
    switch (args[i])
    {
        case "--no-torch": torch = false; break;
        case "--threads" when i + 1 < args.Length: threads = int.Parse(args[++i], CultureInfo.InvariantCulture); break;
        case "--output" when i + 1 < args.Length: output = args[++i]; break;
        case ['-', ..]:
            Console.Error.WriteLine($"'{args[i]}': expected [FILTER…] [--no-torch] [--threads N] [--output FILE]");
            return 2;
        default: filters.Add(args[i]); break;
    }

using var backend = new CpuBackend(threads);
Console.WriteLine($"{Machine.Cpu}, {backend.Isa}, {backend.Threads} threads, commit {Machine.Commit}");
TorchRival? rival = null;
if (torch)
{
    rival = TorchRival.Start(Path.Combine(Machine.Root, "perf", "torch_rival.py"), backend.Threads, out var reason);
    Console.WriteLine(rival == null
        ? $"no PyTorch to compare with: {reason}"
        : $"PyTorch {rival.Version}, BLAS {rival.Blas}; ratio is its time over ours");
}
using (rival)
using (var report = new Report(output, backend, rival))
{
    var harness = new Harness(backend, rival);
    foreach (var benchmark in Catalogue.All)
    {
        var name = $"{benchmark.Op} {string.Join(' ', benchmark.Arguments.Select(argument => $"{argument.Name}={argument.Value}"))}";
        if (filters.Count == 0 || filters.Any(filter => name.Contains(filter, StringComparison.OrdinalIgnoreCase))) report.Add(harness.Measure(benchmark));
    }
    Console.WriteLine($"written to {report.Path}");
}
return 0;
