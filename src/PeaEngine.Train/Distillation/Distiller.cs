using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Targets;

namespace PeaEngine.Train.Distillation;

/// <summary>
/// One step of PEA distillation (arXiv 2311.17086): a frozen UNet is run as teacher, with its own text encoders' embeddings, and as student,
/// with the adapter's; the adapter's gradients follow from the difference. Losses and gradients are F32.
/// </summary>
public sealed class Distiller : IDisposable
{
    readonly Backend backend;
    readonly UNet2DConditionModel unet;
    readonly TrainingTarget target;
    readonly IReadOnlyList<float> alphasCumprod;
    readonly DistillationOptions options;
    readonly UnconditionalText unconditional;
    readonly Dictionary<(Shape Latents, int Taught, bool Drops, int StudentTokens, int TeacherValues), long> measured = [];
    Arena? arena;

    /// <summary>A distiller; models and target stay the caller's.</summary>
    /// <param name="backend">Where they are.</param>
    /// <param name="unet">Teacher and student.</param>
    /// <param name="target">What is trained.</param>
    /// <param name="alphasCumprod">ᾱ of every training timestep; the UNet predicts the noise.</param>
    /// <param name="options">The loss.</param>
    /// <param name="unconditional">What stands for dropped text.</param>
    public Distiller(Backend backend, UNet2DConditionModel unet, TrainingTarget target, IReadOnlyList<float> alphasCumprod, DistillationOptions options, UnconditionalText unconditional)
    {
        (this.backend, this.unet, this.target) = (backend, unet, target);
        (this.alphasCumprod, this.options, this.unconditional) = (alphasCumprod, options, unconditional);
    }

    /// <summary>The most bytes that a step on such a batch has in use at once, beside the weights; nothing is computed.</summary>
    public long Measure(DistillationBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Measure(batch, new(batch, options, alphasCumprod));
    }

    /// <summary>Adds a batch's gradients to the target's.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; the gradients are then of no use.</exception>
    public DistillationLoss Accumulate(DistillationBatch batch, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var weights = new SampleWeights(batch, options, alphasCumprod);
        var arena = Reserve(Measure(batch, weights));
        var pass = new Pass(backend, arena, cancellation);
        var kept = arena.KeptBytes;
        using var scope = pass.Scratch();
        try
        {
            return Run(pass, batch, weights);
        }
        finally
        {
            arena.ReleaseKept(kept);
        }
    }

    /// <summary>The most bytes that a step has had in use at once.</summary>
    public long PeakBytes => arena?.PeakBytes ?? 0;

    /// <summary>Gets the memory of steps that take so many bytes, unless it is there.</summary>
    /// <exception cref="PeaException">There is not so much.</exception>
    public Arena Reserve(long bytes)
    {
        if (arena is { } enough && enough.Capacity >= bytes) return enough;
        arena?.Dispose();
        return arena = new(backend, bytes);
    }

    /// <summary>Frees the memory of its steps.</summary>
    public void Dispose() => arena?.Dispose();

    /// <summary>Once for all batches of the same sizes: few kinds come again and again.</summary>
    long Measure(DistillationBatch batch, SampleWeights weights)
    {
        var kind = (batch.LatentShape, weights.Taught, batch.DropsText.Contains(true), batch.StudentMask.Length, batch.TeacherSequence.Length);
        if (!measured.TryGetValue(kind, out var bytes)) measured.Add(kind, bytes = MeasuredArena.Measure(p => Run(p, batch, weights)));
        return bytes;
    }

    DistillationLoss Run(Pass p, DistillationBatch batch, SampleWeights weights) =>
        new DistillationStep(p, batch, weights, options, alphasCumprod).Run(unet, target, unconditional);
}
