using System.Globalization;
using PeaEngine.Diffusion.Adapters;

namespace PeaEngine.Train.Training;

/// <summary>What the file of an adapter notes about itself and the run that it is of. Nothing depends on where the run's files are.</summary>
static class AdapterNotes
{
    /// <summary>What decides how an adapter is used.</summary>
    /// <param name="studentLength">Tokens of the student's context.</param>
    /// <param name="masksPooledMean">Whether the pooled mean leaves padding out.</param>
    public static Dictionary<string, string> Of(int studentLength, bool masksPooledMean) => new()
    {
        ["format"] = "pt",
        [AdapterMetadata.LengthKey] = Text(studentLength),
        [AdapterMetadata.MeanKey] = AdapterMetadata.MeanOf(masksPooledMean),
    };

    /// <summary>The same, and what was trained with which languages, for how long.</summary>
    public static Dictionary<string, string> Of(TrainModels models, IReadOnlyList<string> languages, long step) =>
        new(Of(models.Batches.Shape.StudentTokens, models.Adapter.MasksPooledMean))
        {
            ["dimensions"] = string.Join(',', models.Adapter.Dimensions),
            ["student"] = models.StudentIdentity,
            ["languages"] = string.Join(',', languages),
            ["step"] = Text(step),
        };

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
