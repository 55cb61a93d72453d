namespace PeaEngine.Train.Distillation;

/// <summary>What one step of distillation is given, on the host; every random number is drawn already.</summary>
/// <param name="LatentShape">[B, C, h, w]</param>
/// <param name="Latents">Of the pictures, scaled: the reference's layout, [B, C, h, w].</param>
/// <param name="Noise">[B, C, h, w]</param>
/// <param name="Timesteps">[B], training timesteps.</param>
/// <param name="StudentHidden">The student's last hidden states, [B, T, channels].</param>
/// <param name="StudentMask">[B, T]: 0 for padding.</param>
/// <param name="TeacherSequence">What the teacher's text encoders make of the English captions, [B, S, features]; of samples without one, anything.</param>
/// <param name="TeacherPooled">[B, P], for UNets that take a pooled embedding.</param>
/// <param name="TimeIds">[B, 6], for the same.</param>
/// <param name="IsCultural">[B]: z, no English caption; such a sample learns from the noise alone.</param>
/// <param name="DropsText">[B]: the text is replaced by the unconditional one, for teacher and student.</param>
public sealed record DistillationBatch(
    Shape LatentShape, float[] Latents, float[] Noise, int[] Timesteps, float[] StudentHidden, byte[] StudentMask, float[] TeacherSequence, float[]? TeacherPooled, float[]? TimeIds,
    bool[] IsCultural, bool[] DropsText)
{
    /// <summary>B</summary>
    public int Count => Timesteps.Length;
}

/// <summary>What stands for text that is dropped.</summary>
/// <param name="StudentHidden">The student's last hidden state of the empty text, [1, T, channels].</param>
/// <param name="StudentMask">[1, T]</param>
/// <param name="TeacherSequence">[1, S, features]: of the empty text, or zeros.</param>
/// <param name="TeacherPooled">[1, P]: of the empty text, or zeros; only where pooled embeddings are dropped too.</param>
public sealed record UnconditionalText(float[] StudentHidden, byte[] StudentMask, float[] TeacherSequence, float[]? TeacherPooled = null);
