using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PeaEngine.Backends;
using PeaEngine.Cuda;

namespace PeaEngine.Perf.Gpu;

/// <summary>Compiles kernels for the chips of the static report and counts what they do on the virtual GPU. It takes minutes if all have changed, and no GPU.</summary>
static class FactsWriter
{
    /// <summary>Characters of a hash that tell one source from another.</summary>
    const int HashLength = 16;

    /// <summary>What is known, with what has changed since done anew.</summary>
    public static KernelFacts Collect(NvrtcCompiler compiler, KernelFacts known, Action<string> progress)
    {
        var stale = Stale(known);
        progress($"counting {string.Join(", ", stale)}");
        var counts = KernelSample.Count(compiler, stale);
        var kernels = new List<KernelFact>();
        foreach (var program in KernelSources.Names)
        {
            if (!stale.Contains(program))
            {
                kernels.AddRange(known.Kernels.Where(kernel => kernel.Program == program));
                continue;
            }
            progress($"compiling {program}");
            var source = KernelSources.Get(program);
            var builds = Chip.All.Select(chip => chip.Architecture).Distinct().ToDictionary(architecture => architecture, architecture =>
            {
                var (code, log) = compiler.Compile(source, new(architecture));
                return MachineCode.Read(code, log);
            });
            foreach (var entry in builds.Values.First().Keys.Order(StringComparer.Ordinal))
                kernels.Add(new(entry, program, Identity(source), builds.ToDictionary(build => build.Key, build => build.Value[entry]), counts.GetValueOrDefault(entry)));
        }
        return new(DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Machine.Commit, $"NVRTC {compiler.Version}", kernels);
    }

    /// <summary>Programs whose sources are no longer those that were compiled and counted, or that were not counted when there was no sample of them.</summary>
    public static IReadOnlyList<string> Stale(KernelFacts facts)
    {
        var now = KernelSources.Names.ToDictionary(name => name, name => Identity(KernelSources.Get(name)));
        return [.. facts.Kernels.Where(kernel => !now.TryGetValue(kernel.Program, out var source) || source != kernel.Source).Select(kernel => kernel.Program).Concat(now.Keys.Except(facts.Kernels.Select(kernel => kernel.Program)))
            .Concat(KernelSample.All.Select(sample => sample.Program).Except(facts.Kernels.Where(kernel => kernel.Counts != null).Select(kernel => kernel.Program)))
            .Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>What a program's code follows from: its text and those of the headers that it includes.</summary>
    static string Identity(KernelSource source)
    {
        var texts = new StringBuilder(source.Text);
        foreach (var header in Included(source.Text, source.Headers).Order(StringComparer.Ordinal)) texts.Append(source.Headers[header]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(texts.ToString())))[..HashLength];
    }

    static HashSet<string> Included(string text, IReadOnlyDictionary<string, string> headers)
    {
        var found = new HashSet<string>();
        var open = new Stack<string>([text]);
        while (open.TryPop(out var next))
            foreach (var header in headers.Keys)
                if (next.Contains($"#include \"{header}\"", StringComparison.Ordinal) && found.Add(header)) open.Push(headers[header]);
        return found;
    }
}
