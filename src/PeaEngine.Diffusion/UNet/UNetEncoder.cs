using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// The half of a UNet that a ControlNet also has: the time embedding, conv_in, the down blocks and the middle.
/// </summary>
sealed class UNetEncoder
{
    readonly UNetEncoderConfig config;
    readonly Conv2d convIn;
    readonly Mlp timeEmbedding;
    readonly Linear? condProj;
    readonly Mlp? addEmbedding;
    readonly DownBlock2D[] downBlocks;
    readonly UNetMidBlock2D? midBlock;
    readonly UNetMidBlock2DCrossAttn? midBlockCrossAttn;

    /// <summary>Takes the weights and adds every cross-attention to <paramref name="crossAttentions"/>.</summary>
    public UNetEncoder(Weights w, UNetEncoderConfig config, List<Attention> crossAttentions)
    {
        this.config = config;
        var channels = config.BlockOutChannels;
        convIn = new(w / "conv_in", config.InChannels, channels[0], config.ConvInKernel);
        timeEmbedding = TimestepEmbedding(w / "time_embedding", channels[0], config.TimeEmbedDim);
        if (config.TimeCondProjDim > 0) condProj = new(w / "time_embedding" / "cond_proj", config.TimeCondProjDim, channels[0], bias: false);
        if (config.IsTextTime) addEmbedding = TimestepEmbedding(w / "add_embedding", config.ProjectionClassEmbeddingsInputDim, config.TimeEmbedDim);
        downBlocks = new DownBlock2D[channels.Count];
        for (var i = 0; i < downBlocks.Length; i++) downBlocks[i] = DownBlock2D.Load(w / "down_blocks" / i, config, i, crossAttentions);
        if (config.MidBlockType == nameof(UNetMidBlock2D))
            midBlock = new(w / "mid_block", channels[^1], layers: 0, attention: false, config.TimeEmbedDim, config.NormNumGroups, config.NormEps);
        else if (config.MidBlockType == nameof(UNetMidBlock2DCrossAttn))
            midBlockCrossAttn = new(w / "mid_block", config, crossAttentions);
    }

    /// <summary>What is computed once per prompt, for the cross-attentions given; see <see cref="UNet2DConditionModel.Condition"/>.</summary>
    public UNetConditioning Condition(Pass p, List<Attention> crossAttentions, Tensor encoderHiddenStates, Tensor? textEmbeds, Tensor? timeIds, Tensor? timestepCond)
    {
        if (encoderHiddenStates.Shape.Rank != 3)
            throw new PeaException($"{config.ModelName}: encoder_hidden_states {encoderHiddenStates.Shape}, expected [batch, tokens, features]");
        var batch = encoderHiddenStates.Shape[0];
        var conditioning = new UNetConditioning(batch, crossAttentions.Count)
        {
            Added = AddedEmbedding(p, batch, textEmbeds, timeIds),
            TimestepCond = ProjectTimestepCond(p, batch, timestepCond),
        };
        for (var i = 0; i < crossAttentions.Count; i++)
        {
            var shape = crossAttentions[i].KeyShape(encoderHiddenStates.Shape);
            (conditioning.Keys[i], conditioning.Values[i]) = (p.Keep(shape), p.Keep(shape));
            crossAttentions[i].Project(p, encoderHiddenStates, conditioning.Keys[i], conditioning.Values[i]);
        }
        return conditioning;
    }

    /// <summary>A new tensor [B, time_embed_dim]: silu of the time embedding of timesteps [B].</summary>
    public Tensor Embed(Pass p, Tensor timesteps, UNetConditioning c)
    {
        var embedding = p.Save([c.Batch, config.TimeEmbedDim]);
        var act = p.Over(embedding);
        using var scope = p.Scratch();
        var time = p.Save([c.Batch, config.BlockOutChannels[0]]);
        p.Backend.TimestepEmbedding(timesteps, time, config.FlipSinToCos, config.FreqShift);
        if (c.TimestepCond is { } cond) p.Backend.Combine(time, new(1, time), new(1, cond));
        timeEmbedding.Forward(p, time, embedding, c.Added);
        p.Backend.Activate(embedding, act, Activation.Silu);
        p.Saved?.Push(time);
        p.Saved?.Push(embedding);
        return act;
    }

    /// <summary>Turns the gradient of act, in place, into that of the embedding, which is also that of what is added to it.</summary>
    public void EmbedBackward(Pass p, UNetConditioning c)
    {
        Tensor embedding = p.Saved!.Pop(), time = p.Saved.Pop(), dAct = c.Gradients!.Act;
        p.Backend.ActivateBackward(embedding, dAct, dAct, Activation.Silu);
        if (!timeEmbedding.IsTrained(p)) return;
        using var scope = p.Scratch();
        timeEmbedding.Backward(p, time, dAct, p.New(time.Shape));
    }

    /// <summary>
    /// sample [B, H, W, in_channels] through conv_in, the first skip connection; <paramref name="added"/> [B or 1, H, W, C] is added to all or
    /// to every sample.
    /// </summary>
    public Tensor ConvIn(Pass p, Tensor sample, SkipConnections skips, Tensor? added = null)
    {
        p.Saved?.Push(sample);
        var x = skips.Push(sample.Shape.WithLast(config.BlockOutChannels[0]));
        if (added is not { } each || each.Shape[0] == sample.Shape[0]) convIn.Forward(p, sample, x, residual: added);
        else
            for (var i = 0; i < sample.Shape[0]; i++) convIn.Forward(p, sample.Slice(i, 1), x.Slice(i, 1), residual: each);
        return x;
    }

    /// <summary>The down blocks: x to the last skip connection.</summary>
    public Tensor Down(Pass p, Tensor x, Tensor act, UNetConditioning c, SkipConnections skips, UNetFeatures? features)
    {
        for (var i = 0; i < downBlocks.Length; i++)
        {
            x = downBlocks[i].Forward(p, x, act, c, skips);
            features?.Add($"d{i}", x);
        }
        return x;
    }

    /// <summary>Takes the gradients of the skip connections off <paramref name="c"/>'s, down to that of conv_in's output; <paramref name="dSample"/> is written if given.</summary>
    public void DownBackward(Pass p, Tensor act, UNetConditioning c, UNetFeatures? dFeatures, Tensor? dSample)
    {
        var skips = c.Gradients!.Skips;
        for (var i = downBlocks.Length - 1; i >= 0; i--)
        {
            dFeatures?.AddTo(p, $"d{i}", skips.Peek());
            downBlocks[i].Backward(p, act, c);
        }
        Tensor dx = skips.Pop(), sample = p.Saved!.Pop();
        convIn.Train(p, sample, dx);
        if (dSample is { } gradient) convIn.Backward(p, dx, gradient);
    }

    /// <summary>Adds the gradient of the middle's input, from that of its output, to the last skip connection's.</summary>
    public void MiddleBackward(Pass p, Tensor act, UNetConditioning c, Tensor dy)
    {
        var g = c.Gradients!;
        using var scope = p.Scratch();
        var dx = midBlock?.Backward(p, act, dy, g.Act) ?? midBlockCrossAttn?.Backward(p, act, c, dy, g.Act) ?? dy;
        p.Backend.Combine(g.Skips.Peek(), new(1, g.Skips.Peek()), new(1, dx));
    }

    /// <summary>Writes the gradient of encoder_hidden_states, and of text_embeds if asked for, from what the backward pass collected.</summary>
    public void ConditionBackward(Pass p, List<Attention> crossAttentions, UNetConditioning c, Tensor encoderHiddenStates, Tensor dEncoderHiddenStates, Tensor? dTextEmbeds)
    {
        var g = c.Gradients!;
        p.Backend.Clear(dEncoderHiddenStates);
        for (var i = crossAttentions.Count - 1; i >= 0; i--)
            crossAttentions[i].ProjectBackward(p, encoderHiddenStates, g.Keys[i], g.Values[i], dEncoderHiddenStates);
        if (addEmbedding == null) return;
        var all = p.Saved!.Pop();
        using var scope = p.Scratch();
        var dAll = p.New(all.Shape);
        addEmbedding.Backward(p, all, g.Act, dAll);
        if (dTextEmbeds is not { } text) return;
        p.Backend.Split(dAll, text, p.New([c.Batch, all.Shape[1] - text.Shape[1]]));
    }

    /// <summary>The middle: x to a new tensor of its shape, or x itself where <c>mid_block_type</c> is null.</summary>
    public Tensor Middle(Pass p, Tensor x, Tensor act, UNetConditioning c, SkipConnections skips)
    {
        if (midBlock == null && midBlockCrossAttn == null) return x;
        var y = skips.Output(x.Shape);
        return midBlock?.Forward(p, x, y, act) ?? midBlockCrossAttn!.Forward(p, x, y, act, c);
    }

    /// <summary>diffusers TimestepEmbedding: [B, inFeatures] to [B, outFeatures].</summary>
    static Mlp TimestepEmbedding(Weights w, int inFeatures, int outFeatures) =>
        new(new(w / "linear_1", inFeatures, outFeatures), Activation.Silu, new(w / "linear_2", outFeatures, outFeatures));

    Tensor? AddedEmbedding(Pass p, int batch, Tensor? textEmbeds, Tensor? timeIds)
    {
        if (addEmbedding == null)
        {
            if (textEmbeds != null || timeIds != null)
                throw new PeaException($"{config.ModelName}: text_embeds or time_ids given, but addition_embed_type is null");
            return null;
        }
        if (textEmbeds is not { } text || timeIds is not { } ids)
            throw new PeaException($"{config.ModelName}: addition_embed_type text_time needs text_embeds and time_ids");
        if (text.Shape.Rank != 2 || ids.Shape.Rank != 2 || text.Shape[0] != batch || ids.Shape[0] != batch)
            throw new PeaException($"{config.ModelName}: text_embeds {text.Shape} and time_ids {ids.Shape}, expected [{batch}, ..] both as encoder_hidden_states has it");
        var timeFeatures = ids.Shape[1] * config.AdditionTimeEmbedDim;
        if (text.Shape[1] + timeFeatures != config.ProjectionClassEmbeddingsInputDim)
            throw new PeaException($"{config.ModelName}: text_embeds {text.Shape} and time_ids {ids.Shape} of {config.AdditionTimeEmbedDim} features each make " +
                $"{text.Shape[1] + timeFeatures}, projection_class_embeddings_input_dim is {config.ProjectionClassEmbeddingsInputDim}");
        var added = p.Keep([batch, config.TimeEmbedDim]);
        using var scope = p.Scratch();
        var times = p.New([ids.Shape[0] * ids.Shape[1], config.AdditionTimeEmbedDim]);
        p.Backend.TimestepEmbedding(ids.Reshape([times.Shape[0]]), times, config.FlipSinToCos, config.FreqShift);
        var all = p.Save([batch, config.ProjectionClassEmbeddingsInputDim]);
        p.Backend.Concat(text, times.Reshape([batch, timeFeatures]), all);
        p.Saved?.Push(all);
        addEmbedding.Forward(p, all, added);
        return added;
    }

    Tensor? ProjectTimestepCond(Pass p, int batch, Tensor? timestepCond)
    {
        if (timestepCond is not { } cond) return null;
        if (condProj == null) throw new PeaException($"{config.ModelName}: timestep_cond {cond.Shape} given, but time_cond_proj_dim is null");
        if (cond.Shape.Rank != 2 || cond.Shape[0] != batch)
            throw new PeaException($"{config.ModelName}: timestep_cond {cond.Shape}, expected [{batch},{config.TimeCondProjDim}]");
        var projected = p.Keep([batch, config.BlockOutChannels[0]]);
        condProj.Forward(p, cond, projected);
        return projected;
    }
}
