using System.Runtime.InteropServices;

namespace PeaEngine.Train.Distillation;

/// <summary>
/// All that a pass is computed from, samples in the order of computation, at the kept end of its memory. It is uploaded before, so that the pass is ops alone and finds what varies from step to step in the
/// same places.
/// </summary>
sealed class DistillationInputs
{
    readonly Backend backend;
    readonly DistillationOptions options;
    readonly int count, taught;

    /// <summary>Memory for the batches of a kind.</summary>
    /// <param name="p">Whose memory it is.</param>
    /// <param name="batch">One of them.</param>
    /// <param name="taught">Samples with a teacher.</param>
    /// <param name="teacherChannels">Of the teacher's sequence.</param>
    /// <param name="terms">Of the loss: the prediction's and one for each block that is compared.</param>
    /// <param name="options">The loss.</param>
    public DistillationInputs(Pass p, DistillationBatch batch, int taught, int teacherChannels, int terms, DistillationOptions options)
    {
        (backend, this.options, count, this.taught) = (p.Backend, options, batch.Count, taught);
        int tokens = batch.StudentMask.Length / count, rows = batch.DropsText.Contains(true) ? count + 1 : count;
        int Width(float[] values) => values.Length / count;
        Image = [1, batch.LatentShape[1], batch.LatentShape[2], batch.LatentShape[3]];
        Pixels = p.Keep([count, 2, Width(batch.Latents)], DType.F32);
        Mixture = p.Keep([count, 2], DType.F32);
        Positions = batch.Draw == null ? null : p.Keep([count], DType.U64);
        Timesteps = p.Keep([count], DType.F32);
        TimeIds = batch.TimeIds is { } ids ? p.Keep([count, Width(ids)], DType.F32) : null;
        Hidden = p.Keep([rows, tokens, Width(batch.StudentHidden) / tokens]);
        Mask = p.Keep([rows, tokens], DType.U8);
        if (rows > count) (Tokens, Texts) = (p.Keep([count, tokens], DType.I32), p.Keep([count, 1], DType.I32));
        TeacherSequence = p.Keep([taught, Width(batch.TeacherSequence) / teacherChannels, teacherChannels]);
        TeacherPooled = batch.TeacherPooled is { } pooled ? p.Keep([taught, Width(pooled)]) : null;
        Scales = p.Keep([terms, count], DType.F32);
        Weights = p.Keep([count], DType.F64);
        TermWeights = p.Keep([LossTerms.Rows(terms)], DType.F64);
    }

    /// <summary>A sample's latents in the reference's layout, [1, C, h, w].</summary>
    public Shape Image { get; }

    /// <summary>[B, 2, C·h·w] F32: the latents, and the noise unless it is drawn.</summary>
    public Tensor Pixels { get; }

    /// <summary>[B, 2] F32: √ᾱ and √(1 − ᾱ).</summary>
    public Tensor Mixture { get; }

    /// <summary>[B] U64: for what the noise is drawn, where it is.</summary>
    public Tensor? Positions { get; }

    /// <summary>[B] F32</summary>
    public Tensor Timesteps { get; }

    /// <summary>[B, 6] F32, for UNets that take them.</summary>
    public Tensor? TimeIds { get; }

    /// <summary>The student's states, [B, T, channels], where texts are dropped with the empty text's as one row more.</summary>
    public Tensor Hidden { get; }

    /// <summary>The same rows' masks, [B, T] U8.</summary>
    public Tensor Mask { get; }

    /// <summary>[B, T] I32: of which token of <see cref="Hidden"/>'s rows, all in one count, each token's embedding is; none where no text is dropped.</summary>
    public Tensor? Tokens { get; }

    /// <summary>[B, 1] I32: of which of the rows each sample's text is; none where no text is dropped.</summary>
    public Tensor? Texts { get; }

    /// <summary>[taught, S, channels]</summary>
    public Tensor TeacherSequence { get; }

    /// <summary>[taught, P], for UNets that take a pooled embedding.</summary>
    public Tensor? TeacherPooled { get; }

    /// <summary>[terms, B] F32: what the gradient of a sample's error is multiplied by in each term.</summary>
    public Tensor Scales { get; }

    /// <summary>[B] F64: what a sample's error is multiplied by in every term.</summary>
    public Tensor Weights { get; }

    /// <summary>[rows] F64: what <see cref="LossTerms.Weight"/> says of each row of errors.</summary>
    public Tensor TermWeights { get; }

    /// <summary>Uploads a batch of the kind.</summary>
    public void Upload(DistillationBatch batch, SampleWeights weights, UnconditionalText unconditional, IReadOnlyList<float> alphasCumprod)
    {
        for (var i = 0; i < count; i++)
        {
            var from = weights.Order[i];
            var pixels = Pixels.Slice(i, 1).Reshape([2, Pixels.Shape[2]]);
            Row(batch.Latents, from, pixels.Slice(0, 1));
            if (batch.Draw == null) Row(batch.Noise, from, pixels.Slice(1, 1));
            if (batch.TimeIds is { } ids) Row(ids, from, TimeIds!.Value.Slice(i, 1));
            Row(batch.StudentHidden, from, Hidden.Slice(i, 1));
            if (i >= taught) continue;
            var drops = batch.DropsText[from];
            if (drops) backend.Upload(unconditional.TeacherSequence, TeacherSequence.Slice(i, 1));
            else Row(batch.TeacherSequence, from, TeacherSequence.Slice(i, 1));
            if (batch.TeacherPooled is not { } pooled) continue;
            if (drops && options.DropsPooled && unconditional.TeacherPooled is { } empty) backend.Upload(empty, TeacherPooled!.Value.Slice(i, 1));
            else Row(pooled, from, TeacherPooled!.Value.Slice(i, 1));
        }
        double Alpha(int i) => alphasCumprod[batch.Timesteps[i]];
        backend.Upload([.. weights.Order.SelectMany(i => (float[])[(float)Math.Sqrt(Alpha(i)), (float)Math.Sqrt(1 - Alpha(i))])], Mixture);
        backend.Upload(Array.ConvertAll(weights.Order, i => (float)batch.Timesteps[i]), Timesteps);
        if (batch.Draw is { } draw) backend.Upload(MemoryMarshal.AsBytes<ulong>(Array.ConvertAll(weights.Order, i => draw.Positions[i])), Positions!.Value);
        Texted(batch, weights.Order, unconditional);
    }

    /// <summary>Uploads what errors and their gradients are multiplied by.</summary>
    /// <param name="weights">Of the samples.</param>
    /// <param name="statistics">Complete ones, where terms are divided by variances.</param>
    /// <param name="lossScale">What the whole loss is multiplied by.</param>
    public void UploadScales(SampleWeights weights, FeatureStatistics? statistics, double lossScale)
    {
        var scales = new float[Scales.Elements];
        for (var i = 0; i < scales.Length; i++) scales[i] = (float)(lossScale * LossTerms.Weight(options, i / count, i % count < taught, statistics) * weights.Values[i % count]);
        backend.Upload(scales, Scales);
        backend.Upload(MemoryMarshal.AsBytes<double>(weights.Values), Weights);
        var terms = new double[TermWeights.Elements];
        for (var row = 0; row < terms.Length; row++) terms[row] = LossTerms.WeightOfRow(options, row, statistics);
        backend.Upload(MemoryMarshal.AsBytes<double>(terms), TermWeights);
    }

    /// <summary>The texts' masks, the empty text's states, and whose text each sample has.</summary>
    void Texted(DistillationBatch batch, int[] order, UnconditionalText unconditional)
    {
        var tokens = Mask.Shape[1];
        var mask = new byte[Mask.Elements];
        for (var i = 0; i < count; i++) batch.StudentMask.AsSpan(order[i] * tokens, tokens).CopyTo(mask.AsSpan(i * tokens));
        if (Texts is { } texts)
        {
            unconditional.StudentMask.CopyTo(mask.AsSpan(count * tokens));
            backend.Upload(unconditional.StudentHidden, Hidden.Slice(count, 1));
            int[] rows = [.. order.Select((from, i) => batch.DropsText[from] ? count : i)];
            backend.Upload(MemoryMarshal.AsBytes<int>(rows), texts);
            backend.Upload(MemoryMarshal.AsBytes<int>([.. rows.SelectMany(row => Enumerable.Range(row * tokens, tokens))]), Tokens!.Value);
        }
        backend.Upload(mask, Mask);
    }

    void Row(float[] values, int row, Tensor to)
    {
        var width = values.Length / count;
        backend.Upload(values.AsSpan(row * width, width), to);
    }
}
