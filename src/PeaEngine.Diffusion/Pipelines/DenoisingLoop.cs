using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.Schedulers;
using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>What one run of the loop is given beside the model.</summary>
/// <param name="Window">The steps to run.</param>
/// <param name="Guidance">guidance_scale</param>
/// <param name="Count">Pictures of the prompt.</param>
/// <param name="GuidanceRescale">φ of arXiv 2305.08891.</param>
/// <param name="Eta">DDIM's η.</param>
/// <param name="Embeddings">The prompt, with an unconditional row where it is guided.</param>
/// <param name="TimeIds">SDXL's micro-conditioning, [rows, n], as many rows as the embeddings.</param>
/// <param name="Start">Latents to begin with, and what inpainting needs.</param>
sealed record DenoisingInput(StepWindow Window, double Guidance, int Count, double GuidanceRescale, double Eta, PromptEmbeddings Embeddings, float[]? TimeIds, InitialLatents Start)
{
    /// <summary>The ControlNets.</summary>
    public IReadOnlyList<ControlInput> Controls { get; init; } = [];

    /// <summary>guess_mode</summary>
    public bool GuessMode { get; init; }
}

/// <summary>
/// The sampler: scale, predict, guide, step, all but the prediction in F32. All memory is taken before the first step; a step allocates nothing. Steps with the same ControlNets in
/// which the scheduler does the same are the same work at the same addresses, which the backend records: timestep and coefficients lie in a tensor.
/// </summary>
sealed class DenoisingLoop(Backend backend, UNet2DConditionModel unet, DenoisingInput input, Scheduler scheduler, INoiseSource noise)
{
    readonly int rows = input.Embeddings.Rows, batch = input.Embeddings.Rows * input.Count, height = input.Start.Shape[2], width = input.Start.Shape[3], channels = input.Start.Shape[1];

    readonly float[] numbers = new float[input.Embeddings.Rows * input.Count + StepOps.MostCoefficients];

    readonly StepOps ops = new(backend);

    readonly ControlBranch? control = input.Controls.Count == 0 ? null : new(input.Controls, input.GuessMode, input.Embeddings.Rows * input.Count, input.Count);

    /// <summary>Runs all steps and gives the final latents [count, C, h, w].</summary>
    public float[] Run(ProgressMeter meter, CancellationToken cancellation)
    {
        using var arena = new Arena(backend, MeasuredArena.Measure(backend, p => Predict(p, Prepare(p), -1)));
        var pass = new Pass(backend, arena, cancellation);
        var state = Prepare(pass);
        using var recordings = new StepRecordings(backend, input.Window, control, index =>
        {
            if (ops.IsRecordable) ops.Run(0, OpsBefore, state.Coefficients);
            Predict(pass, state, index);
            if (ops.IsRecordable) ops.Run(OpsBefore, ops.Count, state.Coefficients);
        });
        scheduler.SetBeginIndex(input.Window.First);
        float[] Current()
        {
            var values = new float[state.Latents.Elements];
            backend.Download(state.Latents, values);
            return values;
        }
        meter.Begin(Current);
        for (var i = input.Window.First; i < input.Window.End; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Step(state, recordings, i);
            meter.Advance(Current);
        }
        return FiniteValues.Check("latents", backend, Current());
    }

    /// <summary>The tensors that live through all steps.</summary>
    /// <param name="Latents">[count, C, h, w]: what the scheduler moves</param>
    /// <param name="Scaled">[count, C, h, w]: as the model is given them</param>
    /// <param name="Numbers">[batch + MostCoefficients]: what differs from step to step</param>
    /// <param name="Guided">[count, C, h, w]: what the scheduler is given</param>
    /// <param name="Original">[count, C, h, w]: what lies outside of an inpainted region</param>
    /// <param name="Noise">[count, C, h, w]: what it is given for the steps to come</param>
    /// <param name="Proper">[count, C, h, w]: it with that noise</param>
    /// <param name="Mask">[count, C, h, w]: the region</param>
    /// <param name="InpaintChannels">[batch, h, w, 1 + C]: what an inpainting model is given beside the latents</param>
    /// <param name="Conditioning">The UNet's.</param>
    /// <param name="Controls">The ControlNets'.</param>
    readonly record struct State(Tensor Latents, Tensor Scaled, Tensor Numbers, Tensor Guided, Tensor? Original, Tensor? Noise, Tensor? Proper, Tensor? Mask, Tensor? InpaintChannels,
        UNetConditioning Conditioning, ControlNetConditioning[] Controls)
    {
        /// <summary>[batch]: one value, once a sample</summary>
        public Tensor Timesteps => Numbers.Slice(0, Numbers.Shape[0] - StepOps.MostCoefficients);

        /// <summary>[MostCoefficients]: those of the scheduler's ops</summary>
        public Tensor Coefficients => Numbers.Slice(Numbers.Shape[0] - StepOps.MostCoefficients, StepOps.MostCoefficients);
    }

    State Prepare(Pass p)
    {
        var start = input.Start;
        var count = input.Count;
        Tensor Keep(float[] values, Shape shape, DType? type = DType.F32)
        {
            var tensor = p.Keep(shape, type);
            p.Backend.Upload(values, tensor);
            return tensor;
        }
        Tensor? Optional(float[]? values, Shape shape, DType? type = DType.F32) => values == null ? null : Keep(values, shape, type);

        Tensor latents = Keep(start.Latents, start.Shape), scaled = p.Keep(start.Shape, DType.F32), numbers = p.Keep([batch + StepOps.MostCoefficients], DType.F32), guided = p.Keep(start.Shape, DType.F32);
        Tensor? original = Optional(start.Original, start.Shape), drawn = Optional(start.Noise, start.Shape), mask = Optional(start.Mask, start.Shape);
        Tensor? proper = mask == null ? null : p.Keep(start.Shape, DType.F32);
        var inpaint = Optional(start.InpaintChannels, [batch, height, width, 1 + channels], p.Backend.ActivationType);
        var embeddings = input.Embeddings;
        using var scope = p.Scratch();
        Tensor Upload(float[] values, DType? type = null)
        {
            var repeated = PromptEmbeddings.Repeat(values, rows, count);
            Shape shape = [batch, repeated.Length / batch];
            var tensor = p.New(shape, type);
            p.Backend.Upload(repeated, tensor);
            return tensor;
        }
        var sequence = Upload(embeddings.Sequence);
        sequence = sequence.Reshape([batch, embeddings.Tokens, sequence.Shape[1] / embeddings.Tokens]);
        Tensor? pooled = embeddings.Pooled is { } values ? Upload(values) : null, timeIds = input.TimeIds is { } ids ? Upload(ids, DType.F32) : null;
        var conditioning = unet.Condition(p, sequence, pooled, timeIds, unet.Config.TimeCondProjDim is > 0 and var dim ? GuidanceEmbedding(p, batch, dim) : null);
        return new(latents, scaled, numbers, guided, original, drawn, proper, mask, inpaint, conditioning, control?.Condition(p, sequence, pooled, timeIds) ?? []);
    }

    /// <summary>How many of a step's ops come before the prediction: what scales.</summary>
    const int OpsBefore = 1;

    /// <summary>One step at one of the scheduler's timesteps.</summary>
    void Step(in State state, StepRecordings recordings, int index)
    {
        ops.Clear();
        scheduler.NoteScaledInput(ops, state.Latents, state.Scaled);
        scheduler.NoteStep(ops, state.Guided, state.Latents, new StepArguments(noise, input.Eta));
        if (state.Mask is { } mask)
        {
            Tensor original = state.Original!.Value, proper = state.Proper!.Value;
            if (index + 1 < input.Window.End) scheduler.NoteNoise(ops, original, state.Noise!.Value, proper, scheduler.StepIndex);
            else ops.Copy(original, proper);
            ops.Blend(proper, state.Latents, mask, state.Latents);
        }
        numbers.AsSpan(0, batch).Fill((float)scheduler.Timesteps[index]);
        ops.Coefficients.CopyTo(numbers.AsSpan(batch));
        backend.Upload(numbers, state.Numbers);
        if (!ops.IsRecordable) ops.Run(0, OpsBefore);
        recordings.At(index, ops).Run();
        if (!ops.IsRecordable) ops.Run(OpsBefore, ops.Count);
    }

    /// <summary>From the scaled latents and the timesteps to the guided prediction, with the ControlNets that are on at a step; -1 for all.</summary>
    void Predict(Pass p, in State state, int index)
    {
        var b = p.Backend;
        var count = input.Count;
        using var scope = p.Scratch();
        var modelInput = p.New([batch, height, width, channels]);
        // Latents and all that the scheduler does with them are F32; what the UNet is given and gives is of its own type.
        var scaled = p.Cast(state.Scaled, modelInput.DType);
        for (var row = 0; row < rows; row++) b.ToChannelsLast(scaled, modelInput.Slice(row * count, count));
        var mark = p.Arena.KeptBytes;
        var residuals = control?.Forward(p, modelInput, state.Timesteps, state.Controls, index);
        if (state.InpaintChannels is { } inpaint)
        {
            var wider = p.New([batch, height, width, channels + inpaint.Shape[3]]);
            b.Concat(modelInput, inpaint, wider);
            modelInput = wider;
        }
        var prediction = unet.Forward(p, modelInput, state.Timesteps, state.Conditioning, residuals: residuals);
        p.Arena.ReleaseKept(mark);
        var output = p.New([batch, channels, height, width]);
        b.ToChannelsFirst(prediction, output);
        if (rows == 1)
        {
            b.Copy(output, state.Guided);
            return;
        }
        output = p.Cast(output, DType.F32);
        Tensor unconditional = output.Slice(0, count), text = output.Slice(count, count);
        var scale = (float)input.Guidance;
        b.Combine(state.Guided, new Term(1 - scale, unconditional), new Term(scale, text));
        if (input.GuidanceRescale > 0) b.RescaleGuidance(state.Guided, text, (float)input.GuidanceRescale);
    }

    /// <summary>
    /// [batch, dim]: diffusers' get_guidance_scale_embedding of guidance − 1, how a distilled model (LCM) is told its guidance. It is a
    /// timestep's embedding with a shift of 1.
    /// </summary>
    Tensor GuidanceEmbedding(Pass p, int batch, int dim)
    {
        Tensor values = p.New([batch], DType.F32), embedding = p.New([batch, dim]);
        var scaled = new float[batch];
        Array.Fill(scaled, (float)(input.Guidance - 1) * 1000);
        p.Backend.Upload(scaled, values);
        p.Backend.TimestepEmbedding(values, embedding, flipSinToCos: false, shift: 1);
        return embedding;
    }
}
