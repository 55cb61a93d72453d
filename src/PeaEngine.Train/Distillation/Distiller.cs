using System.Runtime.InteropServices;
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
    readonly Dictionary<PassKind, long> measured = [];
    readonly Dictionary<RecordedKind, RecordedPass> recorded = [];
    readonly Arena results;
    readonly Tensor sums;
    readonly BatchFeed training, evaluation;
    (DistillationBatch Batch, IReadOnlyList<PreparedPass> Passes)? next;
    Arena? arena;

    /// <summary>Kinds of passes that are remembered as recordings at a time.</summary>
    const int MostRecorded = 32;

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
        (training, evaluation) = (new(backend), new(backend));
        results = new(backend, Arena.AlignmentBytes);
        sums = results.Keep([DistillationLoss.Parts], DType.F64);
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
    /// <param name="lossScale">What the gradients are multiplied by on their whole way back, so that none is too small for activations of 16 bits; a power of two.</param>
    /// <param name="cancellation">Ends it between two operations.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the gradients are then of no use.</exception>
    public DistillationLoss Accumulate(DistillationBatch batch, int passes = 1, double lossScale = 1, CancellationToken cancellation = default)
    {
        backend.Clear(sums);
        Accumulate(batch, sums, null, passes, lossScale, cancellation);
        return Read();
    }

    /// <summary>Brings the batch that <see cref="Accumulate(DistillationBatch, Tensor, Action, int, double, CancellationToken)"/> will be given next to the backend, while what was given before is still computed there.</summary>
    /// <param name="batch">This process's samples.</param>
    /// <param name="passes">How many passes they will be computed in.</param>
    public void Prepare(DistillationBatch batch, int passes = 1)
    {
        ArgumentNullException.ThrowIfNull(batch);
        next = null;
        PreparedPass[] prepared = [.. batch.Cut(passes).Select(Prepared)];
        training.Send(prepared, unconditional, alphasCumprod);
        next = (batch, prepared);
    }

    /// <summary>The same without a word to the host: the losses are added to those of a tensor, and what is to follow is done, too.</summary>
    /// <param name="batch">This process's samples.</param>
    /// <param name="losses">[3] F64: the parts of the loss, added to.</param>
    /// <param name="then">Ops alone, for when all gradients are there, recorded with the last pass; null for none.</param>
    /// <param name="passes">As above.</param>
    /// <param name="lossScale">As above.</param>
    /// <param name="cancellation">Ends it between two operations before <paramref name="then"/>.</param>
    /// <exception cref="OperationCanceledException">It was cancelled; the gradients are then of no use.</exception>
    public void Accumulate(DistillationBatch batch, Tensor losses, Action? then, int passes, double lossScale, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var whole = GroupCounts.Of(batch, options).Over(processes);
        if (next is not { } known || !ReferenceEquals(known.Batch, batch) || known.Passes.Count != passes) Prepare(batch, passes);
        var parts = next!.Value.Passes;
        next = null;
        var statistics = NeedsStatistics(whole) ? Statistics(processes) : null;
        // Variances are over all passes: the teacher runs through them once before. To keep its blocks' outputs instead would take memory for each pass.
        if (statistics != null && passes > 1)
        {
            foreach (var part in parts) Survey(part, training, whole, statistics, cancellation);
            statistics.Complete();
        }
        for (var i = 0; i < parts.Count; i++) Repeat(parts[i], whole, new(losses, i == parts.Count - 1 ? then : null), statistics, lossScale, cancellation);
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
            foreach (var batch in batches) Survey(Sent(batch), evaluation, whole, statistics, cancellation);
            statistics.Complete();
        }
        backend.Clear(sums);
        foreach (var batch in batches)
            Compute(Sent(batch), evaluation, whole, (pass, inputs, weights) =>
            {
                inputs.UploadScales(backend, weights, statistics, 1);
                var step = new DistillationStep(pass, inputs, batch.Draw, weights.Taught, options);
                step.Teach(unet, target);
                step.Evaluate(unet, target, sums);
            }, cancellation);
        return Read();

        PreparedPass Sent(DistillationBatch batch)
        {
            var pass = Prepared(batch);
            evaluation.Send([pass], unconditional, alphasCumprod);
            return pass;
        }
    }

    /// <summary>The most bytes that a step has had in use at once.</summary>
    public long PeakBytes => arena?.PeakBytes ?? 0;

    /// <summary>Gets the memory of steps that take so many bytes, unless it is there.</summary>
    /// <exception cref="PeaException">There is not so much.</exception>
    public Arena Reserve(long bytes)
    {
        if (arena is { } enough && enough.Capacity >= bytes) return enough;
        Forget();
        arena?.Dispose();
        return arena = new(backend, bytes);
    }

    /// <summary>Frees the memory of its steps.</summary>
    public void Dispose()
    {
        Forget();
        training.Dispose();
        evaluation.Dispose();
        arena?.Dispose();
        results.Dispose();
    }

    DistillationLoss Read()
    {
        Span<double> parts = stackalloc double[DistillationLoss.Parts];
        backend.Download(sums, MemoryMarshal.AsBytes(parts));
        return DistillationLoss.Of(parts);
    }

    bool NeedsStatistics(GroupCounts whole) => options.NormalizesFeatures && options.FeatureWeight > 0 && whole.Taught > 0;

    /// <summary>Blocks that are compared: the down blocks, the middle and the up blocks.</summary>
    int Blocks => 2 * unet.Config.BlockOutChannels.Count + 1;

    FeatureStatistics Statistics(ProcessGroup among) => new(Blocks, among);

    /// <summary>Runs the teacher alone through a pass, for the variances of its blocks.</summary>
    void Survey(PreparedPass part, BatchFeed feed, GroupCounts whole, FeatureStatistics statistics, CancellationToken cancellation) =>
        Compute(part, feed, whole, (pass, inputs, weights) => Add(statistics, Recorded(new(PassKind.Of(part.Part, weights.Taught), 0, null, Surveys: true), part.Part, Survey).Begin(pass, inputs)), cancellation);

    void Survey(DistillationStep step)
    {
        step.Teach(unet, target);
        step.Survey();
    }

    static void Add(FeatureStatistics statistics, DistillationStep step)
    {
        if (step.Moments is { } moments) statistics.Add(moments);
    }

    /// <summary>A pass of a kind that comes again and again: what a backend may record of it is recorded. Where variances are asked for that no pass before it completed, all processes meet behind the teacher.</summary>
    void Repeat(PreparedPass part, GroupCounts whole, PassEnd end, FeatureStatistics? statistics, double lossScale, CancellationToken cancellation) =>
        Compute(part, training, whole, (pass, inputs, weights) =>
        {
            void Learn(DistillationStep step)
            {
                step.Learn(unet, target, end.Losses);
                end.Then?.Invoke();
            }
            void All(DistillationStep step)
            {
                step.Teach(unet, target);
                Learn(step);
            }
            var surveys = statistics is { IsComplete: false };
            var recording = Recorded(new(PassKind.Of(part.Part, weights.Taught), end.Losses.Address, end.Then, surveys), part.Part, surveys ? [Survey, Learn] : [All]);
            if (surveys)
            {
                Add(statistics!, recording.Begin(pass, inputs));
                statistics!.Complete();
                inputs.UploadScales(backend, weights, statistics, lossScale);
                recording.End();
                return;
            }
            inputs.UploadScales(backend, weights, statistics, lossScale);
            recording.Begin(pass, inputs);
        }, cancellation);

    RecordedPass Recorded(RecordedKind kind, DistillationBatch part, params IReadOnlyList<Action<DistillationStep>> parts)
    {
        if (recorded.TryGetValue(kind, out var known)) return known;
        if (recorded.Count == MostRecorded) Forget();
        RecordedPass made = new(backend, (pass, inputs) => new(pass, inputs, part.Draw, kind.Pass.Taught, options), parts);
        recorded.Add(kind, made);
        return made;
    }

    /// <summary>Recordings are of one memory.</summary>
    void Forget()
    {
        foreach (var step in recorded.Values) step.Dispose();
        recorded.Clear();
    }

    /// <summary>In the memory of a step, which is more than any part of one takes; always from its beginning, so that passes of a kind have the same addresses.</summary>
    void Compute(PreparedPass part, BatchFeed feed, GroupCounts whole, Action<Pass, DistillationInputs, SampleWeights> compute, CancellationToken cancellation)
    {
        var weights = new SampleWeights(part.Part, whole, options, alphasCumprod);
        var arena = Reserve(Measure(part.Part, weights));
        var pass = new Pass(backend, arena, cancellation);
        var kept = arena.KeptBytes;
        using var scope = pass.Scratch();
        try
        {
            part.Inputs.Bind(pass);
            feed.Take(part);
            compute(pass, part.Inputs, weights);
        }
        catch
        {
            // Parts of a pass that were not made equally often are of no use.
            Forget();
            throw;
        }
        finally
        {
            arena.ReleaseKept(kept);
        }
    }

    /// <summary>A pass whose inputs have their places. The order of its samples depends on nothing else.</summary>
    PreparedPass Prepared(DistillationBatch part)
    {
        var weights = new SampleWeights(part, GroupCounts.Of(part, options), options, alphasCumprod);
        return new(part, weights.Order, Inputs(part, weights.Taught));
    }

    DistillationInputs Inputs(DistillationBatch part, int taught) =>
        new(backend.ActivationType, part, taught, unet.Config.CrossAttentionDim[0], taught > 0 && options.FeatureWeight > 0 ? 1 + Blocks : 1, options);

    /// <summary>Once for all passes of the same sizes: few kinds come again and again.</summary>
    long Measure(DistillationBatch part, SampleWeights weights)
    {
        var kind = PassKind.Of(part, weights.Taught);
        if (measured.TryGetValue(kind, out var bytes)) return bytes;
        bytes = MeasuredArena.Measure(backend, p =>
        {
            var step = new DistillationStep(p, Inputs(part, weights.Taught).Bind(p), part.Draw, weights.Taught, options);
            step.Teach(unet, target);
            if (NeedsStatistics(new(part.Count, weights.Taught))) step.Survey();
            step.Learn(unet, target, sums);
        });
        measured.Add(kind, bytes);
        return bytes;
    }

    /// <summary>Where a pass's losses go, and what follows its gradients.</summary>
    readonly record struct PassEnd(Tensor Losses, Action? Then);

    /// <summary>What decides the ops of a recording, and their addresses.</summary>
    /// <param name="Pass">The pass's kind.</param>
    /// <param name="Losses">Where they go; 0 where the teacher runs alone.</param>
    /// <param name="Then">What follows.</param>
    /// <param name="Surveys">Whether variances are asked for behind the teacher.</param>
    readonly record struct RecordedKind(PassKind Pass, nint Losses, Action? Then, bool Surveys);
}
