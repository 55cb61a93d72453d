using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PeaEngine.Tests.Architecture;

/// <summary>The rules that the files themselves must follow, read from the files.</summary>
public partial class ArchitectureTests
{
    /// <summary>A file is one idea: longer than this it is two.</summary>
    const int MostLines = 500;

    static readonly string Source = Path.Combine(Repository.Root, "src");

    /// <summary>Who may know whom: references go one way.</summary>
    static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["PeaEngine.Cuda"] = [],
        ["PeaEngine"] = ["PeaEngine.Cuda"],
        ["PeaEngine.Diffusion"] = ["PeaEngine"],
        ["PeaEngine.Train"] = ["PeaEngine.Diffusion"],
        ["PeaEngine.Cli"] = ["PeaEngine.Diffusion", "PeaEngine.Train"],
    };

    static readonly string[] Packages = ["FsCheck.Xunit", "Microsoft.NET.Test.Sdk", "Spectre.Console", "System.CommandLine", "xunit", "xunit.runner.visualstudio", "YamlDotNet"];

    static readonly string[] TextEndings = [".cs", ".csproj", ".props", ".sln", ".md", ".json", ".txt", ".sh", ".py", ".yml", ".cu", ".cuh", ".editorconfig", ".gitignore"];

    [Fact]
    public void ReferencesGoOneWay()
    {
        foreach (var project in Directory.EnumerateFiles(Source, "*.csproj", SearchOption.AllDirectories))
        {
            var name = Path.GetFileNameWithoutExtension(project);
            Assert.True(Allowed.TryGetValue(name, out var allowed), $"{name}: a project that the house plan does not have");
            foreach (var reference in Items(project, "ProjectReference")) Assert.Contains(Path.GetFileNameWithoutExtension(reference), allowed);
        }
    }

    [Fact]
    public void PackagesAreFewAndTheEngineHasNone()
    {
        Assert.Equal(Packages, Items(Path.Combine(Repository.Root, "Directory.Packages.props"), "PackageVersion").Order(StringComparer.OrdinalIgnoreCase));
        foreach (var project in new[] { "PeaEngine.Cuda", "PeaEngine", "PeaEngine.Diffusion" })
            Assert.Empty(Items(Path.Combine(Source, project, $"{project}.csproj"), "PackageReference"));
    }

    /// <summary>Models run on any backend: they name the abstract one only. Pipelines get theirs from the caller.</summary>
    [Fact]
    public void ModelsNameNoConcreteBackend()
    {
        foreach (var project in new[] { "PeaEngine.Diffusion", "PeaEngine.Train" })
            Assert.DoesNotContain(Lines(Path.Combine(Source, project)), line => ConcreteBackend().IsMatch(line.Text));
        Assert.Contains(Lines(Path.Combine(Source, "PeaEngine")), line => ConcreteBackend().IsMatch(line.Text));
    }

    [Fact]
    public void TheEngineKnowsNothingAboveIt()
    {
        Assert.DoesNotContain(Lines(Path.Combine(Source, "PeaEngine")), line => UsingOrNamespace().Match(line.Text) is { Success: true } match && match.Groups[1].Value is "Diffusion" or "Train" or "Cli");
        Assert.DoesNotContain(Lines(Path.Combine(Source, "PeaEngine.Diffusion")), line => UsingOrNamespace().Match(line.Text) is { Success: true } match && match.Groups[1].Value is "Train" or "Cli");
        Assert.DoesNotContain(Lines(Path.Combine(Source, "PeaEngine.Train")), line => UsingOrNamespace().Match(line.Text) is { Success: true } match && match.Groups[1].Value is "Cli");
    }

    /// <summary>Interop knows no tensors, and of the engine only the backend of GPUs knows interop.</summary>
    [Fact]
    public void OnlyTheCudaBackendKnowsInterop()
    {
        Assert.DoesNotContain(Lines(Path.Combine(Source, "PeaEngine.Cuda")), line => UsingOrNamespace().Match(line.Text) is { Success: true } match && match.Groups[1].Value != "Cuda");
        foreach (var (file, text) in Lines(Source))
        {
            if (UsingOrNamespace().Match(text) is not { Success: true } match || match.Groups[1].Value != "Cuda") continue;
            var place = Path.GetRelativePath(Source, file).Replace('\\', '/');
            Assert.True(place.StartsWith("PeaEngine.Cuda/", StringComparison.Ordinal) || place.StartsWith("PeaEngine/Backends/Cuda/", StringComparison.Ordinal), $"{place}: {text}");
        }
    }

    [Fact]
    public void SourceSeesNoTestsAndNoBenchmarks() =>
        Assert.DoesNotContain(Lines(Source), line => line.Text.Contains("using PeaEngine.Tests", StringComparison.Ordinal) || line.Text.Contains("using PeaEngine.Perf", StringComparison.Ordinal)
            || line.Text.Contains("using Xunit", StringComparison.Ordinal));

    /// <summary>Pointers stay in the backends, and in the one place that makes a span of a tensor.</summary>
    [Fact]
    public void UnsafeCodeIsInBackendsOnly()
    {
        foreach (var (file, text) in Lines(Source))
        {
            if (!UnsafeCode().IsMatch(text)) continue;
            var place = Path.GetRelativePath(Source, file).Replace('\\', '/');
            Assert.True(place.StartsWith("PeaEngine/Backends/", StringComparison.Ordinal) || place.StartsWith("PeaEngine.Cuda/", StringComparison.Ordinal) || place == "PeaEngine/Tensor.cs", $"{place}: {text}");
        }
    }

    [Fact]
    public void NoFileIsTooLong() =>
        Assert.All(SourceFiles(Source), file => Assert.True(File.ReadLines(file).Count() <= MostLines, $"{file}: {File.ReadLines(file).Count()} lines, expected at most {MostLines}"));

    /// <summary>What is true on one machine only does not belong into the repository.</summary>
    [Fact]
    public void NoTextNamesAMachinesFolders()
    {
        foreach (var file in TextFiles())
            foreach (var line in File.ReadLines(file))
                Assert.False(MachinePath().IsMatch(line), $"{file}: {line}");
    }

    static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(project).Descendants(kind).Select(item => item.Attribute("Include")!.Value);

    static IEnumerable<(string File, string Text)> Lines(string folder) => SourceFiles(folder).SelectMany(file => File.ReadLines(file).Select(line => (file, line)));

    static IEnumerable<string> SourceFiles(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Where(file => !IsBuilt(file));

    static IEnumerable<string> TextFiles() =>
        Directory.EnumerateFiles(Repository.Root, "*", SearchOption.AllDirectories)
            .Where(file => !IsBuilt(file) && (TextEndings.Contains(Path.GetExtension(file)) || Path.GetDirectoryName(file)!.EndsWith(".ci", StringComparison.Ordinal)));

    static bool IsBuilt(string file) =>
        Path.GetRelativePath(Repository.Root, file).Split(Path.DirectorySeparatorChar)[..^1].Any(folder => folder is "bin" or "obj" or ".git" or "TestResults" or "shared");

    [GeneratedRegex(@"\b(Cpu|Null|Cuda)(Backend|Storage)\b|Backends\.(Cpu|Null|Cuda)\b")]
    private static partial Regex ConcreteBackend();

    [GeneratedRegex(@"^\s*(?:using|namespace)\s+PeaEngine\.(\w+)")]
    private static partial Regex UsingOrNamespace();

    [GeneratedRegex(@"^(?!\s*///?).*\bunsafe\b")]
    private static partial Regex UnsafeCode();

    [GeneratedRegex(@"(?<![\w.~])/(work|root|home|Users)/\w")]
    private static partial Regex MachinePath();
}
