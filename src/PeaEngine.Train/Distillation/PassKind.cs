namespace PeaEngine.Train.Distillation;

/// <summary>What decides the ops of a pass and the sizes of their tensors; the rest is what lies in them.</summary>
/// <param name="Latents">[B, C, h, w]</param>
/// <param name="Taught">Samples with a teacher.</param>
/// <param name="Drops">Whether a text is dropped.</param>
/// <param name="StudentTokens">Of all samples.</param>
/// <param name="TeacherValues">Numbers of the teacher's sequences.</param>
/// <param name="Seed">That noise is drawn with; null where it is given.</param>
/// <param name="Stream">What for.</param>
readonly record struct PassKind(Shape Latents, int Taught, bool Drops, int StudentTokens, int TeacherValues, ulong? Seed, RandomStream? Stream)
{
    /// <summary>A pass's.</summary>
    public static PassKind Of(DistillationBatch part, int taught) =>
        new(part.LatentShape, taught, part.DropsText.Contains(true), part.StudentMask.Length, part.TeacherSequence.Length, part.Draw?.Seed, part.Draw?.Stream);
}
