using System.Text.Json.Nodes;
using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Pipelines;
using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Train.Evaluation;

namespace PeaEngine.Tests.Train;

/// <summary>The predictions and the distances of <c>golden/pipeline</c>'s trained adapter.</summary>
public class EvaluatorGoldenTests
{
    /// <summary>The file has four digits.</summary>
    const double Tolerance = 5e-4;

    const string Name = "reference_training.json";

    static readonly string Samples = Path.Combine(Repository.Root, "samples", "emoji");

    public static TheoryData<string> Cases => GoldenFolder.Cases("pipeline", name => File.Exists(GoldenFolder.At("pipeline", name, Name)));

    /// <summary>Of the first cases of each split, whose predictions the file has.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void TeacherAndNothingPredictWhatTheReferencesDo(string folder)
    {
        if (GoldenFolder.IsAbsent(folder)) return;
        using var expected = GoldenTensors.Open(GoldenFolder.At("pipeline", folder, "evaluation.safetensors"));
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(Path.Combine(Samples, "teacher"), backend);
        var reference = Load(folder);
        var predictions = new CasePredictions(backend, pipeline.UNet, reference);
        foreach (var split in reference.Splits)
        {
            var count = expected[$"{split.Name}.{reference.Timesteps[0]}.teacher"].Shape[0];
            var english = pipeline.Encode([.. split.Captions.Take(count).Select(captions => captions["en"])]);
            float[][] teacher = predictions.Run(english, _ => { }, default), none = predictions.Run(Evaluator.Nothing(english), _ => { }, default);
            for (var i = 0; i < reference.Timesteps.Count; i++)
            {
                GoldenTensors.AssertClose(expected[$"{split.Name}.{reference.Timesteps[i]}.teacher"], teacher[i]);
                GoldenTensors.AssertClose(expected[$"{split.Name}.{reference.Timesteps[i]}.none"], none[i]);
            }
        }
    }

    /// <summary>Of one split in one language, as the whole takes minutes: the others are the same with other words.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void ADistanceIsTheReferences(string folder)
    {
        if (GoldenFolder.IsAbsent(folder)) return;
        using var temporary = new TemporaryFolder();
        var json = JsonNode.Parse(File.ReadAllText(GoldenFolder.At("pipeline", folder, Name)))!;
        var languages = json["data"]!["languages"]!.AsArray();
        while (languages.Count > 1) languages.RemoveAt(0);
        var splits = json["evaluation"]!["cases"]!.AsObject();
        while (splits.Count > 1) splits.RemoveAt(0);
        File.Copy(GoldenFolder.At("pipeline", folder, "evaluation.safetensors"), temporary.At("evaluation.safetensors"));
        var reference = EvaluationReference.Load(temporary.Write(Name, json.ToJsonString()));
        using var backend = Device.Open("cpu", 2);
        using var pipeline = DiffusionPipeline.Load(Path.Combine(Samples, "teacher"), backend);
        using var adapter = PeaAdapter.Load(Path.Combine(Samples, "reference-adapter.bin"), backend, DType.F16);
        using var student = StudentEncoder.Load(Path.Combine(Samples, "student"), backend, reference.StudentTokens);
        var result = new Evaluator(pipeline, reference).Run(adapter, student);

        var split = Assert.Single(result.Splits);
        var expected = reference.Distances[EvaluationResult.Key(split.Name, Assert.Single(result.Languages))];
        Assert.InRange(Assert.Single(split.Distances), expected * (1 - Tolerance), expected * (1 + Tolerance));
    }

    static EvaluationReference Load(string folder) => EvaluationReference.Load(GoldenFolder.At("pipeline", folder, Name));
}
