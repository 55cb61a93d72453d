using PeaEngine.Diffusion.Pipelines;

namespace PeaEngine.Train.Data;

/// <summary>
/// What text encoders make of captions, each encoded once and remembered as far as memory goes. A caption is encoded alone, so that its bits do not depend
/// on which others were remembered: a run that was interrupted has forgotten them.
/// </summary>
sealed class RememberedTexts(TrainingEncoders encoders)
{
    const long MaxBytes = 1L << 30;

    readonly Dictionary<string, TeacherText> teachers = [];
    readonly Dictionary<string, StudentText> students = [];
    long bytes;

    /// <summary>What the teacher makes of a caption.</summary>
    public TeacherText Teacher(string caption, CancellationToken cancellation) =>
        Find(teachers, caption, () => encoders.EncodeTeacher(caption, cancellation), text => (text.Sequence.Length + (text.Pooled?.Length ?? 0)) * sizeof(float));

    /// <summary>What the student makes of a caption.</summary>
    public StudentText Student(string caption, CancellationToken cancellation) =>
        Find(students, caption, () => encoders.EncodeStudent([caption], cancellation), text => text.Hidden.Length * sizeof(float) + text.Mask.Length);

    T Find<T>(Dictionary<string, T> known, string caption, Func<T> encode, Func<T, int> bytesOf)
    {
        if (known.TryGetValue(caption, out var text)) return text;
        text = encode();
        if ((bytes += bytesOf(text)) <= MaxBytes) known.Add(caption, text);
        return text;
    }
}
