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
/// The sampler: scale, predict, guide, step, all but the prediction in F32. All memory is taken before the first step; a step allocates nothing.
/// </summary>
sealed class DenoisingLoop(Backend backend, UNet2DConditionModel unet, DenoisingInput input, Scheduler scheduler, INoiseSource noise)
{
    readonly int rows = input.Embeddings.Rows, height = input.Start.Shape[2], width = input.Start.Shape[3], channels = input.Start.Shape[1];

    readonly ControlBranch? control = input.Controls.Count == 0 ? null : new(input.Controls, input.GuessMode, input.Embeddings.Rows * input.Count, input.Count);

    /// <summary>Runs all steps and gives the final latents [count, C, h, w].</summary>
    public float[] Run(ProgressMeter meter, CancellationToken cancellation)
    {
        using var arena = new Arena(backend, MeasuredArena.Measure(backend, p => Step(p, Prepare(p), -1)));
        var pass = new Pass(backend, arena, cancellation);
        var state = Prepare(pass);
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
            Step(pass, state, i);
            meter.Advance(Current);
        }
        return Current();
    }

    /// <summary>The tensors that live through all steps.</summary>
    readonly record struct State(Tensor Latents, Tensor? Original, Tensor? Noise, Tensor? Mask, Tensor? InpaintChannels, UNetConditioning Conditioning, ControlNetConditioning[] Controls);

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

        var latents = Keep(start.Latents, start.Shape);
        Tensor? original = Optional(start.Original, start.Shape), drawn = Optional(start.Noise, start.Shape), mask = Optional(start.Mask, start.Shape);
        var inpaint = Optional(start.InpaintChannels, [rows * count, height, width, 1 + channels], p.Backend.ActivationType);
        var embeddings = input.Embeddings;
        var batch = rows * count;
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
        return new(latents, original, drawn, mask, inpaint, conditioning, control?.Condition(p, sequence, pooled, timeIds) ?? []);
    }

    /// <summary>One step at one of the scheduler's timesteps; -1 only measures it.</summary>
    void Step(Pass p, in State state, int index)
    {
        var (b, measuring) = (p.Backend, index < 0);
        var count = input.Count;
        using var scope = p.Scratch();
        var scaled = p.New(state.Latents.Shape, DType.F32);
        var timesteps = p.New([rows * count], DType.F32);
        var modelInput = p.New([rows * count, height, width, channels]);
        if (!measuring) scheduler.ScaleModelInput(b, state.Latents, scaled);
        // Latents and all that the scheduler does with them are F32; what the UNet is given and gives is of its own type.
        scaled = p.Cast(scaled, modelInput.DType);
        if (!measuring)
        {
            Span<float> values = stackalloc float[1];
            values[0] = (float)scheduler.Timesteps[index];
            for (var i = 0; i < rows * count; i++) b.Upload(values, timesteps.Slice(i, 1));
            for (var row = 0; row < rows; row++) b.ToChannelsLast(scaled, modelInput.Slice(row * count, count));
        }
        var mark = p.Arena.KeptBytes;
        var residuals = control?.Forward(p, modelInput, timesteps, state.Controls, index);
        if (state.InpaintChannels is { } inpaint)
        {
            var wider = p.New([rows * count, height, width, channels + inpaint.Shape[3]]);
            b.Concat(modelInput, inpaint, wider);
            modelInput = wider;
        }
        var prediction = unet.Forward(p, modelInput, timesteps, state.Conditioning, residuals: residuals);
        p.Arena.ReleaseKept(mark);
        var output = p.New([rows * count, channels, height, width]);
        b.ToChannelsFirst(prediction, output);
        output = p.Cast(output, DType.F32);
        var guided = output.Slice(0, count);
        if (rows == 2)
        {
            Tensor unconditional = guided, text = output.Slice(count, count);
            guided = p.New(text.Shape, DType.F32);
            var scale = (float)input.Guidance;
            b.Combine(guided, new Term(1 - scale, unconditional), new Term(scale, text));
            if (input.GuidanceRescale > 0) b.RescaleGuidance(guided, text, (float)input.GuidanceRescale);
        }
        var proper = state.Mask == null ? default : p.New(state.Latents.Shape, DType.F32);
        if (measuring) return;
        scheduler.Step(b, guided, state.Latents, new StepArguments(noise, input.Eta));
        if (state.Mask is { } mask)
        {
            var original = state.Original!.Value;
            if (index + 1 < input.Window.End) scheduler.AddNoise(b, original, state.Noise!.Value, proper, scheduler.StepIndex);
            else b.Copy(original, proper);
            b.Blend(proper, state.Latents, mask, state.Latents);
        }
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
