using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Processes;
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
    readonly ProcessGroup processes;
    readonly Dictionary<(Shape Latents, int Taught, bool Drops, int StudentTokens, int TeacherValues), long> measured = [];
    Arena? arena;

    /// <summary>A distiller; models and target stay the caller's.</summary>
    /// <param name="backend">Where they are.</param>
    /// <param name="unet">Teacher and student.</param>
    /// <param name="target">What is trained.</param>
    /// <param name="alphasCumprod">ᾱ of every training timestep; the UNet predicts the noise.</param>
    /// <param name="options">The loss.</param>
    /// <param name="unconditional">What stands for dropped text.</param>
    /// <param name="processes">Those that share a batch; null for one alone.</param>
    public Distiller(Backend backend, UNet2DConditionModel unet, TrainingTarget target, IReadOnlyList<float> alphasCumprod, DistillationOptions options, UnconditionalText unconditional,
        ProcessGroup? processes = null)
    {
        (this.backend, this.unet, this.target, this.processes) = (backend, unet, target, processes ?? ProcessGroup.Alone);
        (this.alphasCumprod, this.options, this.unconditional) = (alphasCumprod, options, unconditional);
    }

    /// <summary>The most bytes that a step on such a batch has in use at once, beside the weights; nothing is computed.</summary>
    public long Measure(DistillationBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Measure(batch, new(batch, GroupCounts.Of(batch, options), options, alphasCumprod));
    }

    /// <summary>
    /// Adds the gradients of a step's samples to the target's, and gives their loss. Means are over the samples of all processes: the sums of gradients
    /// and losses over the processes, which are left to the caller, are the step's.
    /// </summary>
    /// <param name="batch">This process's samples.</param>
    /// <param name="passes">How many passes they are computed in, to take less memory.</param>
    /// <param name="cancellation">Ends it between two operations.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the gradients are then of no use.</exception>
    public DistillationLoss Accumulate(DistillationBatch batch, int passes = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var whole = GroupCounts.Of(batch, options).Over(processes);
        var parts = batch.Cut(passes);
        var statistics = NeedsStatistics(whole) ? Statistics(processes) : null;
        if (statistics != null && passes > 1)
        {
            // Variances are over all passes: the teacher runs through them once before. To keep its blocks' outputs instead would take memory for each pass.
            foreach (var part in parts) Compute(part, whole, step => step.Survey(unet, target, unconditional, statistics), cancellation);
            statistics.Complete();
        }
        var loss = new DistillationLoss();
        foreach (var part in parts) Compute(part, whole, step => loss += step.Run(unet, target, unconditional, statistics), cancellation);
        return loss;
    }

    /// <summary>The loss of several batches together, without gradients: means are over all of them, and other processes have no part in it.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public DistillationLoss Evaluate(IReadOnlyList<DistillationBatch> batches, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        var whole = batches.Select(batch => GroupCounts.Of(batch, options)).Aggregate(new GroupCounts(), (sum, counts) => new(sum.Count + counts.Count, sum.Taught + counts.Taught));
        var statistics = NeedsStatistics(whole) ? Statistics(ProcessGroup.Alone) : null;
        if (statistics != null)
        {
            foreach (var batch in batches) Compute(batch, whole, step => step.Survey(unet, target, unconditional, statistics), cancellation);
            statistics.Complete();
        }
        var loss = new DistillationLoss();
        foreach (var batch in batches) Compute(batch, whole, step => loss += step.Evaluate(unet, target, unconditional, statistics), cancellation);
        return loss;
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

    bool NeedsStatistics(GroupCounts whole) => options.NormalizesFeatures && options.FeatureWeight > 0 && whole.Taught > 0;

    /// <summary>Of the down blocks, the middle and the up blocks.</summary>
    FeatureStatistics Statistics(ProcessGroup among) => new(2 * unet.Config.BlockOutChannels.Count + 1, among);

    /// <summary>In the memory of a step, which is more than any part of one takes.</summary>
    void Compute(DistillationBatch part, GroupCounts whole, Action<DistillationStep> compute, CancellationToken cancellation)
    {
        var weights = new SampleWeights(part, whole, options, alphasCumprod);
        var arena = Reserve(Measure(part, weights));
        var pass = new Pass(backend, arena, cancellation);
        var kept = arena.KeptBytes;
        using var scope = pass.Scratch();
        try
        {
            compute(new(pass, part, weights, options, alphasCumprod));
        }
        finally
        {
            arena.ReleaseKept(kept);
        }
    }

    /// <summary>Once for all passes of the same sizes: few kinds come again and again.</summary>
    long Measure(DistillationBatch part, SampleWeights weights)
    {
        var kind = (part.LatentShape, weights.Taught, part.DropsText.Contains(true), part.StudentMask.Length, part.TeacherSequence.Length);
        if (measured.TryGetValue(kind, out var bytes)) return bytes;
        var statistics = NeedsStatistics(new(part.Count, weights.Taught)) ? Statistics(ProcessGroup.Alone) : null;
        bytes = MeasuredArena.Measure(backend, p => new DistillationStep(p, part, weights, options, alphasCumprod).Run(unet, target, unconditional, statistics));
        measured.Add(kind, bytes);
        return bytes;
    }
}
