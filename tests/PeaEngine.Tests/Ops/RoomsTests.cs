using System.Text.RegularExpressions;

namespace PeaEngine.Tests.Ops;

/// <summary>One op has one name in every room.</summary>
public partial class RoomsTests
{
    public static TheoryData<string> Ops
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "PeaEngine", "Backends"), "Backend.*.cs").Order(StringComparer.Ordinal))
                foreach (Match match in AbstractOp().Matches(File.ReadAllText(file))) data.Add(match.Groups[1].Value);
            return data;
        }
    }

    [Fact]
    public void TheOpsAreFound() => Assert.True(Ops.Count >= 10);

    [Theory, MemberData(nameof(Ops))]
    public void HasACpuFile(string op) => Contains($"void {op}(", "src", "PeaEngine", "Backends", "Cpu", $"{op}.cs");

    [Theory, MemberData(nameof(Ops))]
    public void IsCountedByTheNullBackend(string op) => Contains($"void {op}(", "src", "PeaEngine", "Backends", "Null", "NullBackend.cs");

    [Theory, MemberData(nameof(Ops))]
    public void HasATestClass(string op) => Contains($"class {op}Tests", "tests", "PeaEngine.Tests", "Ops", $"{op}Tests.cs");

    [Theory, MemberData(nameof(Ops))]
    public void HasABenchmark(string op)
    {
        Contains($".Backend.{op}(", "perf", "PeaEngine.Perf", "Ops", $"{op}.cs");
        Contains($"new {op}(", "perf", "PeaEngine.Perf", "Catalogue.cs");
    }

    [Theory, MemberData(nameof(Ops))]
    public void HasARival(string op)
    {
        var name = Capital().Replace(op, match => "_" + match.Value).TrimStart('_').ToLowerInvariant();
        Contains($"\"{name}\"", "perf", "PeaEngine.Perf", "Ops", $"{op}.cs");
        Contains($"def {name}(", "perf", "torch_rival.py");
    }

    static void Contains(string text, params string[] path)
    {
        var file = Path.Combine([Repository.Root, .. path]);
        Assert.True(File.Exists(file), $"there is no {Path.Combine(path)}");
        Assert.True(File.ReadAllText(file).Contains(text, StringComparison.Ordinal), $"{Path.Combine(path)} has no '{text}'");
    }

    [GeneratedRegex(@"public abstract void (\w+)\(")]
    private static partial Regex AbstractOp();

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Capital();
}
