namespace PeaEngine.Diffusion.UNet;

/// <summary>
/// What a UNet computes once per prompt and uses in every step: keys and values of every cross-attention, and what is added to the
/// time embedding. Made by <see cref="UNet2DConditionModel.Condition"/>; its tensors lie at the arena's kept end and live until the
/// caller releases them there.
/// </summary>
public sealed class UNetConditioning
{
    internal UNetConditioning(int batch, int layers)
    {
        Batch = batch;
        (Keys, Values) = (new Tensor[layers], new Tensor[layers]);
    }

    /// <summary>How many samples it conditions at once.</summary>
    public int Batch { get; }

    /// <summary>Per cross-attention [B, T, heads·D].</summary>
    internal Tensor[] Keys { get; }

    /// <summary>Per cross-attention [B, T, heads·D].</summary>
    internal Tensor[] Values { get; }

    /// <summary>What a backward pass collects; none before it.</summary>
    internal UNetGradients? Gradients { get; set; }

    /// <summary>The memory of a step's stack of skip connections.</summary>
    internal List<(Tensor Tensor, long Mark)> Skips { get; } = [];

    /// <summary>[B, time_embed_dim]: add_embedding of pooled text and time ids, added to the time embedding; none without <c>text_time</c>.</summary>
    internal Tensor? Added { get; init; }

    /// <summary>[B, block_out_channels[0]]: cond_proj of the guidance embedding, added to the embedded timestep.</summary>
    internal Tensor? TimestepCond { get; init; }
}
