namespace PeaEngine.Train.Distillation;

/// <summary>Noise that a step draws where it uses it.</summary>
/// <param name="Seed">The seed of everything.</param>
/// <param name="Stream">What it is for.</param>
/// <param name="Positions">[B]: for what each sample's is drawn.</param>
public sealed record NoiseDraw(ulong Seed, RandomStream Stream, ulong[] Positions);

/// <summary>What one step of distillation is given, on the host; every random number but the noise is drawn already.</summary>
/// <param name="LatentShape">[B, C, h, w]</param>
/// <param name="Latents">Of the pictures, scaled: the reference's layout, [B, C, h, w].</param>
/// <param name="Noise">[B, C, h, w], or empty where <see cref="Draw"/> is given.</param>
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
    /// <summary>How the noise is drawn, or null: it is given.</summary>
    public NoiseDraw? Draw { get; init; }

    /// <summary>B</summary>
    public int Count => Timesteps.Length;

    /// <summary>Cuts it into passes, one after another, none of which has two samples more than another.</summary>
    /// <param name="passes">1 to <see cref="Count"/>; the first passes are the larger ones.</param>
    public IReadOnlyList<DistillationBatch> Cut(int passes)
    {
        if (passes < 1 || passes > Count) throw new PeaException($"batch: {passes} passes, expected 1 to the {Count} samples");
        return passes == 1 ? [this] : [.. Enumerable.Range(0, passes).Select(pass => Part(pass * (Count / passes) + Math.Min(pass, Count % passes), Count / passes + (pass < Count % passes ? 1 : 0)))];
    }

    DistillationBatch Part(int first, int count)
    {
        T[] Rows<T>(T[] values) => values[(values.Length / Count * first)..(values.Length / Count * (first + count))];
        T[]? Optional<T>(T[]? values) => values == null ? null : Rows(values);
        return new([count, LatentShape[1], LatentShape[2], LatentShape[3]], Rows(Latents), Rows(Noise), Rows(Timesteps), Rows(StudentHidden), Rows(StudentMask), Rows(TeacherSequence),
            Optional(TeacherPooled), Optional(TimeIds), Rows(IsCultural), Rows(DropsText))
        { Draw = Draw is { } draw ? draw with { Positions = Rows(draw.Positions) } : null };
    }
}

/// <summary>What stands for text that is dropped.</summary>
/// <param name="StudentHidden">The student's last hidden state of the empty text, [1, T, channels].</param>
/// <param name="StudentMask">[1, T]</param>
/// <param name="TeacherSequence">[1, S, features]: of the empty text, or zeros.</param>
/// <param name="TeacherPooled">[1, P]: of the empty text, or zeros; only where pooled embeddings are dropped too.</param>
public sealed record UnconditionalText(float[] StudentHidden, byte[] StudentMask, float[] TeacherSequence, float[]? TeacherPooled = null);
