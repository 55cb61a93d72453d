using System.Text.Json.Nodes;
using PeaEngine.Formats;
using PeaEngine.Train.Evaluation;

namespace PeaEngine.Tests.Train;

public sealed class EvaluationReferenceTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ReadsWhatIsCompared()
    {
        var reference = EvaluationReference.Load(SmallReference.Write(folder));
        Assert.Equal(["zh", "it"], reference.Languages);
        Assert.Equal([980, 900], reference.Timesteps);
        Assert.Equal([("seen", 1), ("unseen", 2)], reference.Splits.Select(split => (split.Name, split.Captions.Count)));
        Assert.Equal("tamburo, icona 3D", reference.Splits[1].Captions[1]["it"]);
        Assert.Equal((32, 6, 2 * 4 * 16 * 16), (reference.StudentTokens, reference.TimeIds.Length, reference.Noise.Length));
        Assert.True(reference.NoiseShape == [2, 4, 16, 16]);
        Assert.Equal(["seen.it", "seen.zh", "unseen.zh"], reference.Distances.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void WhatIsMissingIsNamed()
    {
        Refused("data is missing, expected an object", json => json.AsObject().Remove("data"));
        Refused("data.languages is a list of 0, expected at least one language", json => json["data"]!["languages"] = new JsonArray());
        Refused("data.languages[0] is '7', expected a string", json => json["data"]!["languages"] = new JsonArray(7));
        Refused("inputs.student_tokens is missing", json => json["inputs"]!.AsObject().Remove("student_tokens"));
        Refused("evaluation.timesteps is a list of 1, expected timesteps of 0 or more", json => json["evaluation"]!["timesteps"] = new JsonArray(-1));
        Refused("evaluation.cases is an object, expected at least one split", json => json["evaluation"]!["cases"] = new JsonObject());
        Refused("evaluation.cases.seen is a list of 0, expected at least one case", json => json["evaluation"]!["cases"]!["seen"] = new JsonArray());
        Refused("evaluation.cases.unseen[1].captions is an object, expected one for each of en, zh, it", json => json["evaluation"]!["cases"]!["unseen"]![1]!["captions"]!.AsObject().Remove("it"));
        Refused("reference_adapter.seen.zh is '\"x\"', expected a number", json => json["reference_adapter"]!["seen.zh"] = "x");
        Refused("no such file, expected a JSON configuration", folder.At("other.json"));
    }

    [Fact]
    public void TheNoiseMustBeEnough()
    {
        var path = SmallReference.Write(folder, json => json["evaluation"]!["cases"]!["seen"]!.AsArray().Add(json["evaluation"]!["cases"]!["seen"]![0]!.DeepClone()));
        Assert.Equal(2, EvaluationReference.Load(path).Splits[0].Captions.Count);
        Write([1, 4, 8, 8]);
        Refused("tensor 'noise' is [1,4,8,8] F32, expected one of floats [2 or more, channels, height, width]", path);
        Write([4, 8, 8]);
        Refused("tensor 'noise' is [4,8,8] F32, expected", path);
        Write([2, 0, 8, 8]);
        Refused("tensor 'noise' is [2,0,8,8] F32, expected", path);
        Write([2, 4, 8, 8], "noises");
        Refused("tensor 'noise' is missing, expected", path);
        File.Delete(folder.At("evaluation.safetensors"));
        Refused("evaluation.safetensors", path);

        void Write(long[] shape, string name = "noise") =>
            SafetensorsWriter.Write(folder.At("evaluation.safetensors"), [TensorContent.FromSingles(name, shape, new float[shape.Aggregate(1L, (size, extent) => size * extent)])]);
    }

    void Refused(string message, Action<JsonNode> change) => Refused(message, SmallReference.Write(folder, change));

    static void Refused(string message, string path) =>
        Assert.Contains(message, Assert.Throws<PeaException>(() => EvaluationReference.Load(path)).Message, StringComparison.Ordinal);
}
