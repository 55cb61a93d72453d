using System.Globalization;
using PeaEngine.Backends;
using PeaEngine.Perf;
using PeaEngine.Perf.Gpu;

if (args is ["gpu", .. var rest]) return GpuProgram.Run(rest, Console.Out, Console.Error);

// perf [FILTER…] [--no-torch] [--threads N] [--output FILE] [--profile]: benchmarks whose name and shape contain one of the filters, or all.
// perf --tune [--device cuda:N]: the tiles of SDXL's products on a GPU.
var filters = new List<string>();
var (torch, threads, output, profile, tune, device) = (true, 0, (string?)null, false, false, "cuda");
for (var i = 0; i < args.Length; i++)
    switch (args[i])
    {
        case "--no-torch": torch = false; break;
        case "--threads" when i + 1 < args.Length: threads = int.Parse(args[++i], CultureInfo.InvariantCulture); break;
        case "--output" when i + 1 < args.Length: output = args[++i]; break;
        case "--profile": profile = true; break;
        case "--tune": tune = true; break;
        case "--device" when i + 1 < args.Length: device = args[++i]; break;
        case ['-', ..]:
            Console.Error.WriteLine($"'{args[i]}': expected [FILTER…] [--no-torch] [--threads N] [--output FILE] [--profile], or --tune [--device cuda:N]");
            return 2;
        default: filters.Add(args[i]); break;
    }

if (tune) return TileTuning.Run(device);
using var backend = new CpuBackend(threads);
Console.WriteLine($"{Machine.Cpu}, {backend.Isa}, {backend.Threads} threads, commit {Machine.Commit}");
var chosen = Catalogue.All.Where(IsChosen).ToList();
if (profile)
{
    foreach (var benchmark in chosen) Profile.Print(backend, benchmark);
    return 0;
}
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
    foreach (var benchmark in chosen) report.Add(harness.Measure(benchmark));
    Console.WriteLine($"written to {report.Path}");
}
return 0;

bool IsChosen(IBenchmark benchmark) => benchmark.IsOnRequest
    ? filters.Contains(benchmark.Op)
    : filters.Count == 0 || filters.Any(filter => Name(benchmark).Contains(filter, StringComparison.OrdinalIgnoreCase));

static string Name(IBenchmark benchmark) =>
    $"{benchmark.Op} {string.Join(' ', benchmark.Arguments.Select(argument => $"{argument.Name}={argument.Value}"))}";
