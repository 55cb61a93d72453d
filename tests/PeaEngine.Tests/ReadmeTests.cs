using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;

namespace PeaEngine.Tests;

/// <summary>What the README shows compiles.</summary>
public class ReadmeTests
{
    const string Begin = "// README: begin", End = "// README: end";

    static readonly string[] Readme = File.ReadAllLines(Path.Combine(Repository.Root, "README.md"));

    /// <summary>The first C# block is this file's method.</summary>
    [Fact]
    public void TheExampleIsTheOneThatIsCompiledHere()
    {
        var shown = Readme.SkipWhile(line => line != "```csharp").Skip(1).TakeWhile(line => line != "```").Select(line => line.Trim());
        var file = File.ReadAllLines(Path.Combine(Repository.Root, "tests", "PeaEngine.Tests", "ReadmeTests.cs"));
        var compiled = file.SkipWhile(line => line.Trim() != Begin).Skip(1).TakeWhile(line => line.Trim() != End).Select(line => line.Trim());

        Assert.NotEmpty(shown);
        Assert.Equal(compiled, shown);
    }

    /// <summary>The two commands that everything else may rely on: the first draws, the second tests.</summary>
    [Fact]
    public void TheCommandsAreThere()
    {
        var draw = Readme.First(line => line.StartsWith("dotnet run ", StringComparison.Ordinal));
        Assert.Contains(" sample ", draw, StringComparison.Ordinal);
        Assert.Contains("--output ", draw, StringComparison.Ordinal);
        Assert.Contains(Readme, line => line.StartsWith("dotnet test", StringComparison.Ordinal));
    }

    /// <summary>Compiled, not run: it reads and writes in the working folder, which all tests share.</summary>
    internal static void Example()
    {
        // README: begin
        using var backend = Device.Open("cpu");
        using var pipeline = DiffusionPipeline.Load("samples/emoji/teacher", backend);
        foreach (var image in pipeline.Generate(new() { Prompt = "red panda, 3D icon, green background", Steps = 20, Seed = 7 }))
            image.Save("panda.png");

        using var student = StudentEncoder.Load("samples/emoji/student", backend);
        using var adapter = PeaAdapter.Load("samples/emoji/reference-adapter.bin", backend);
        pipeline.UseAdapter(adapter, student);
        pipeline.Generate(new() { Prompt = "小熊猫，3D图标，绿色背景", Steps = 20, Seed = 7 })[0].Save("panda-zh.png");
        // README: end
    }
}
