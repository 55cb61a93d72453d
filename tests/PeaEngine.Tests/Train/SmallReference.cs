using System.Text.Json.Nodes;
using PeaEngine.Formats;
using PeaEngine.Randomness;

namespace PeaEngine.Tests.Train;

/// <summary>A reference of an evaluation that takes a moment, for the models of the samples.</summary>
static class SmallReference
{
    /// <summary>What is written into the JSON.</summary>
    public const string Json = """
        {
          "data": { "languages": ["zh", "it"] },
          "inputs": { "student_tokens": 32, "time_ids": [64, 64, 0, 0, 64, 64] },
          "evaluation": {
            "timesteps": [980, 900],
            "cases": {
              "seen": [{ "captions": { "en": "orca, flat icon", "zh": "虎鲸，扁平图标", "it": "orca, icona piatta" } }],
              "unseen": [
                { "captions": { "en": "tiger, flat icon", "zh": "老虎，扁平图标", "it": "tigre, icona piatta" } },
                { "captions": { "en": "drum, 3D icon", "zh": "鼓，3D图标", "it": "tamburo, icona 3D" } }
              ]
            }
          },
          "reference_adapter": { "seen.zh": 0.25, "seen.it": 0.75, "unseen.zh": 1 }
        }
        """;

    /// <summary>Writes the JSON, changed or not, and the noise beside it: its path.</summary>
    public static string Write(TemporaryFolder folder, Action<JsonNode>? change = null, long channels = 4)
    {
        var json = JsonNode.Parse(Json)!;
        change?.Invoke(json);
        var noise = new float[2 * channels * 16 * 16];
        new TorchGenerator(1).Randn(noise);
        SafetensorsWriter.Write(folder.At("evaluation.safetensors"), [TensorContent.FromSingles("noise", [2, channels, 16, 16], noise)]);
        return folder.Write("reference.json", json.ToJsonString());
    }
}
