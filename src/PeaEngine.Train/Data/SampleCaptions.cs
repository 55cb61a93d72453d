using PeaEngine.Randomness;

namespace PeaEngine.Train.Data;

/// <summary>A caption for the student.</summary>
/// <param name="Language">The language, what follows <c>caption_</c> in the metadata.</param>
/// <param name="Text">The caption.</param>
public readonly record struct Caption(string Language, string Text);

/// <summary>The captions of a sample.</summary>
/// <param name="Students">Those for the student, one or more; one of them is drawn each time.</param>
/// <param name="Teacher">The English one, or null for a sample that has only a caption of its own culture, which no teacher understands: z = 1.</param>
public sealed record SampleCaptions(IReadOnlyList<Caption> Students, string? Teacher)
{
    /// <summary>The language that a caption without an English pair is said to be in.</summary>
    public const string Original = "ori";

    /// <summary>One of the student's, each as likely.</summary>
    public Caption Draw(Philox random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return Students[random.Below(Students.Count)];
    }
}
