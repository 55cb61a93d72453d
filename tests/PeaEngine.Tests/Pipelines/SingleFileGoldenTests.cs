using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Tests.Pipelines;

/// <summary>A pipeline in one file draws what its folder draws: every case of the pipeline whose model it is.</summary>
public class SingleFileGoldenTests
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            var root = GoldenFolder.At("single-file");
            if (Directory.Exists(root))
                foreach (var file in Directory.EnumerateFiles(root).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal))
                    foreach (var one in PipelineCase.Read(Path.GetFileNameWithoutExtension(file)))
                        data.Add(file, one.Name);
            if (data.Count == 0) data.Add("", "");
            return data;
        }
    }

    public static TheoryData<string> Files => GoldenFolder.Cases("single-file", files: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void DrawsTheReferencesPicture(string file, string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        var one = PipelineCase.Find(Path.GetFileNameWithoutExtension(file), name);
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(Source(file, one), backend);

        var drawn = pipeline.Generate(one.Options());

        using var expected = GoldenTensors.Open(one.At(".safetensors"));
        PipelineGoldenTests.AssertLatents(expected["latents.final"].Values, drawn.Latents, name, PipelineGoldenTests.Slack(one));
    }

    /// <summary>The weights are the folder's, so the picture is too, to the bit.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void DrawsWhatTheFolderDraws(string file)
    {
        if (GoldenFolder.IsAbsent(file)) return;
        var folder = GoldenFolder.At("pipeline", Path.GetFileNameWithoutExtension(file), "model");
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(new PipelineSource(GoldenFolder.At("single-file", file)) { Config = folder }, backend);

        Assert.Equal(SmallPipeline.Draw(folder, SmallPipeline.Options), pipeline.Generate(SmallPipeline.Options).Latents);
    }

    static PipelineSource Source(string file, PipelineCase one) => one.Source with { Model = GoldenFolder.At("single-file", file), Config = one.Model };
}
