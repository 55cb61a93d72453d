using PeaEngine.Cli;
using PeaEngine.Formats;
using PeaEngine.Tests.Cli;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>A pipeline in one file, its folder, and the file again: nothing is lost on the way.</summary>
public sealed class ConversionGoldenTests : IDisposable
{
    /// <summary>What transformers may put before a text encoder's keys, and may leave out.</summary>
    const string Root = "text_model.";

    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Files => GoldenFolder.Cases("single-file", files: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void AFileBecomesTheReferencesFolderAndItselfAgain(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var (file, model) = (GoldenFolder.At("single-file", name), GoldenFolder.At("pipeline", Path.GetFileNameWithoutExtension(name), "model"));

        Convert(file, folder.At("folder"), "--config", model);
        Convert(folder.At("folder"), folder.At("again.safetensors"));

        var (expected, actual) = (DiffusersFolder.Open(model), DiffusersFolder.Open(folder.At("folder")));
        Assert.Equal(expected.Components, actual.Components);
        foreach (var component in expected.Components.Keys)
        {
            Assert.Equal(Names(expected.Component(component)), Names(actual.Component(component)));
            if (expected.Component(component).FindWeights() == null) continue;
            using var wanted = expected.Component(component).OpenWeights();
            using var got = actual.Component(component).OpenWeights();
            AssertSame(wanted, got);
        }
        using var original = TensorFile.Open(file);
        using var again = TensorFile.Open(folder.At("again.safetensors"));
        AssertSame(original, again);
    }

    static void Convert(params string[] arguments)
    {
        var run = CommandLine.Run(["convert", .. arguments]);
        Assert.True(run.Code == ExitCode.Done, run.Error);
    }

    static IEnumerable<string?> Names(DiffusersFolder folder) => Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    static void AssertSame(ITensorSource expected, ITensorSource actual)
    {
        Assert.Equal(expected.Tensors.Count, actual.Tensors.Count);
        foreach (var info in expected.Tensors.Values)
        {
            var name = actual.Tensors.ContainsKey(info.Name) ? info.Name : Root + info.Name;
            Assert.True(actual.Tensors.ContainsKey(name), $"{actual.Path}: no {info.Name}");
            Assert.Equal(info.ToString(), actual.Tensors[name].ToString());
            var (wanted, got) = (new byte[info.Bytes], new byte[info.Bytes]);
            expected.Read(info.Name, 0, wanted);
            actual.Read(name, 0, got);
            Assert.True(wanted.AsSpan().SequenceEqual(got), info.Name);
        }
    }
}
