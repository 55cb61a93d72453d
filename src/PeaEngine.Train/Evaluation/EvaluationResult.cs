namespace PeaEngine.Train.Evaluation;

/// <summary>How far an adapter's predictions are from the teacher's: 0 is the teacher, 1 is no text at all.</summary>
/// <param name="Languages">In the reference's order.</param>
/// <param name="Splits">In the reference's order.</param>
public sealed record EvaluationResult(IReadOnlyList<string> Languages, IReadOnlyList<SplitDistances> Splits)
{
    /// <summary>As in <c>unseen.zh</c>.</summary>
    public static string Key(string split, string language) => $"{split}.{language}";
}

/// <summary>The distances of a split.</summary>
/// <param name="Name">As in <c>unseen</c>.</param>
/// <param name="Distances">By language, in the result's order.</param>
public sealed record SplitDistances(string Name, IReadOnlyList<double> Distances)
{
    /// <summary>Over the languages.</summary>
    public double Mean => Distances.Average();
}

/// <summary>Where an evaluation stands.</summary>
/// <param name="Done">Predictions so far.</param>
/// <param name="Total">Predictions of the whole.</param>
/// <param name="Elapsed">The time since the first began.</param>
public readonly record struct EvaluationProgress(int Done, int Total, TimeSpan Elapsed)
{
    /// <summary>The rate so far; 0 before the first prediction.</summary>
    public double PerSecond => Done == 0 ? 0 : Done / Math.Max(Elapsed.TotalSeconds, 1e-9);
}
