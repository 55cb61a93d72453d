namespace PeaEngine.Train.Distillation;

/// <summary>
/// All that a pass is computed from, samples in the order of computation, at the kept end of its memory. It lies there before, so that the pass is ops alone and finds what varies from step to step in the
/// same places. Most of it is known before the pass's turn, and packed into one block; what errors are multiplied by is uploaded when the step begins.
/// </summary>
sealed class DistillationInputs
{
    readonly DistillationOptions options;
    readonly int count, taught;
    readonly MemoryLayout layout = new(), late = new();
    readonly Slot pixels, mixture, timesteps, hidden, mask, teacherSequence, scales, weights, termWeights;
    readonly Slot? positions, timeIds, tokens, texts, teacherPooled;
    Tensor lateMemory;

    /// <summary>Places for the batches of a kind.</summary>
    /// <param name="activations">What activations are.</param>
    /// <param name="batch">One of them.</param>
    /// <param name="taught">Samples with a teacher.</param>
    /// <param name="teacherChannels">Of the teacher's sequence.</param>
    /// <param name="terms">Of the loss: the prediction's and one for each block that is compared.</param>
    /// <param name="options">The loss.</param>
    public DistillationInputs(DType activations, DistillationBatch batch, int taught, int teacherChannels, int terms, DistillationOptions options)
    {
        (this.options, count, this.taught) = (options, batch.Count, taught);
        int tokenCount = batch.StudentMask.Length / count, rows = batch.DropsText.Contains(true) ? count + 1 : count;
        int Width(float[] values) => values.Length / count;
        Image = [1, batch.LatentShape[1], batch.LatentShape[2], batch.LatentShape[3]];
        pixels = layout.Add([count, 2, Width(batch.Latents)], DType.F32);
        mixture = layout.Add([count, 2], DType.F32);
        positions = batch.Draw == null ? null : layout.Add([count], DType.U64);
        timesteps = layout.Add([count], DType.F32);
        timeIds = batch.TimeIds is { } ids ? layout.Add([count, Width(ids)], DType.F32) : null;
        hidden = layout.Add([rows, tokenCount, Width(batch.StudentHidden) / tokenCount], activations);
        mask = layout.Add([rows, tokenCount], DType.U8);
        if (rows > count) (tokens, texts) = (layout.Add([count, tokenCount], DType.I32), layout.Add([count, 1], DType.I32));
        teacherSequence = layout.Add([taught, Width(batch.TeacherSequence) / teacherChannels, teacherChannels], activations);
        teacherPooled = batch.TeacherPooled is { } pooled ? layout.Add([taught, Width(pooled)], activations) : null;
        scales = late.Add([terms, count], DType.F32);
        weights = late.Add([count], DType.F64);
        termWeights = late.Add([LossTerms.Rows(terms)], DType.F64);
    }

    /// <summary>What <see cref="Pack"/> writes, in bytes.</summary>
    public int Bytes => layout.Bytes;

    /// <summary>Where what was packed is to lie, [bytes] U8.</summary>
    public Tensor Memory { get; private set; }

    /// <summary>A sample's latents in the reference's layout, [1, C, h, w].</summary>
    public Shape Image { get; }

    /// <summary>[B, 2, C·h·w] F32: the latents, and the noise unless it is drawn.</summary>
    public Tensor Pixels => pixels.In(Memory);

    /// <summary>[B, 2] F32: √ᾱ and √(1 − ᾱ).</summary>
    public Tensor Mixture => mixture.In(Memory);

    /// <summary>[B] U64: for what the noise is drawn, where it is.</summary>
    public Tensor? Positions => positions?.In(Memory);

    /// <summary>[B] F32</summary>
    public Tensor Timesteps => timesteps.In(Memory);

    /// <summary>[B, 6] F32, for UNets that take them.</summary>
    public Tensor? TimeIds => timeIds?.In(Memory);

    /// <summary>The student's states, [B, T, channels], where texts are dropped with the empty text's as one row more.</summary>
    public Tensor Hidden => hidden.In(Memory);

    /// <summary>The same rows' masks, [B, T] U8.</summary>
    public Tensor Mask => mask.In(Memory);

    /// <summary>[B, T] I32: of which token of <see cref="Hidden"/>'s rows, all in one count, each token's embedding is; none where no text is dropped.</summary>
    public Tensor? Tokens => tokens?.In(Memory);

    /// <summary>[B, 1] I32: of which of the rows each sample's text is; none where no text is dropped.</summary>
    public Tensor? Texts => texts?.In(Memory);

    /// <summary>[taught, S, channels]</summary>
    public Tensor TeacherSequence => teacherSequence.In(Memory);

    /// <summary>[taught, P], for UNets that take a pooled embedding.</summary>
    public Tensor? TeacherPooled => teacherPooled?.In(Memory);

    /// <summary>[terms, B] F32: what the gradient of a sample's error is multiplied by in each term.</summary>
    public Tensor Scales => scales.In(lateMemory);

    /// <summary>[B] F64: what a sample's error is multiplied by in every term.</summary>
    public Tensor Weights => weights.In(lateMemory);

    /// <summary>[rows] F64: what <see cref="LossTerms.WeightOfRow"/> says of each row of errors.</summary>
    public Tensor TermWeights => termWeights.In(lateMemory);

    /// <summary>Gives it a pass's memory.</summary>
    public DistillationInputs Bind(Pass p)
    {
        (Memory, lateMemory) = (p.Keep([layout.Bytes], DType.U8), p.Keep([late.Bytes], DType.U8));
        return this;
    }

    /// <summary>Writes a batch of the kind into a block of the host, in the order of computation.</summary>
    public void Pack(DistillationBatch batch, int[] order, UnconditionalText unconditional, IReadOnlyList<float> alphasCumprod, Span<byte> block)
    {
        for (var i = 0; i < count; i++)
        {
            var from = order[i];
            Row(block, pixels, 2 * i, batch.Latents, from);
            if (batch.Draw == null) Row(block, pixels, 2 * i + 1, batch.Noise, from);
            if (batch.TimeIds is { } ids) Row(block, timeIds!.Value, i, ids, from);
            Row(block, hidden, i, batch.StudentHidden, from);
            var alpha = (double)alphasCumprod[batch.Timesteps[from]];
            mixture.Write<float>(block, [(float)Math.Sqrt(alpha), (float)Math.Sqrt(1 - alpha)], 2 * i);
            timesteps.Write<float>(block, [batch.Timesteps[from]], i);
            if (batch.Draw is { } draw) positions!.Value.Write<ulong>(block, [draw.Positions[from]], i);
            if (i >= taught) continue;
            var drops = batch.DropsText[from];
            if (drops) Row(block, teacherSequence, i, unconditional.TeacherSequence);
            else Row(block, teacherSequence, i, batch.TeacherSequence, from);
            if (batch.TeacherPooled is not { } pooled) continue;
            if (drops && options.DropsPooled && unconditional.TeacherPooled is { } empty) Row(block, teacherPooled!.Value, i, empty);
            else Row(block, teacherPooled!.Value, i, pooled, from);
        }
        Texted(block, batch, order, unconditional);
    }

    /// <summary>Uploads what errors and their gradients are multiplied by.</summary>
    /// <param name="backend">Where the memory is.</param>
    /// <param name="samples">Of the samples.</param>
    /// <param name="statistics">Complete ones, where terms are divided by variances.</param>
    /// <param name="lossScale">What the whole loss is multiplied by.</param>
    public void UploadScales(Backend backend, SampleWeights samples, FeatureStatistics? statistics, double lossScale)
    {
        var block = new byte[late.Bytes];
        var factors = new float[scales.Shape.Elements];
        for (var i = 0; i < factors.Length; i++) factors[i] = (float)(lossScale * LossTerms.Weight(options, i / count, i % count < taught, statistics) * samples.Values[i % count]);
        scales.Write<float>(block, factors);
        weights.Write<double>(block, samples.Values);
        for (var row = 0; row < termWeights.Shape.Elements; row++) termWeights.Write<double>(block, [LossTerms.WeightOfRow(options, row, statistics)], row);
        backend.Upload(block, lateMemory);
    }

    /// <summary>The texts' masks, the empty text's states, and whose text each sample has.</summary>
    void Texted(Span<byte> block, DistillationBatch batch, int[] order, UnconditionalText unconditional)
    {
        var length = mask.Shape[1];
        for (var i = 0; i < count; i++) mask.Write<byte>(block, batch.StudentMask.AsSpan(order[i] * length, length), i * length);
        if (texts is not { } chosen) return;
        mask.Write<byte>(block, unconditional.StudentMask, count * length);
        Row(block, hidden, count, unconditional.StudentHidden);
        for (var i = 0; i < count; i++)
        {
            var row = batch.DropsText[order[i]] ? count : i;
            chosen.Write<int>(block, [row], i);
            for (var token = 0; token < length; token++) tokens!.Value.Write<int>(block, [row * length + token], i * length + token);
        }
    }

    /// <summary>A sample's row of numbers.</summary>
    void Row(Span<byte> block, Slot slot, int row, float[] values, int sample)
    {
        var width = values.Length / count;
        slot.Write<float>(block, values.AsSpan(sample * width, width), (long)row * width);
    }

    /// <summary>A row of its own.</summary>
    static void Row(Span<byte> block, Slot slot, int row, float[] values) => slot.Write<float>(block, values, (long)row * values.Length);
}
