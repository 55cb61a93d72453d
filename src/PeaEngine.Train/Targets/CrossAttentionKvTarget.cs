using PeaEngine.Diffusion.Adapters;
using PeaEngine.Diffusion.Lora;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Train.Optimizers;

namespace PeaEngine.Train.Targets;

/// <summary>
/// The keys' and values' projections of the UNet's cross-attentions are trained. What is moved is their difference to what is stored: that is what the
/// file has, it loses no digits to a large weight, and weight decay draws towards the stored weights rather than towards zero.
/// </summary>
public sealed class CrossAttentionKvTarget : UNetTarget
{
    CrossAttentionKvTarget(Pass pass, PeaAdapter adapter, IReadOnlyList<Weight> weights, Gradients gradients, IReadOnlyList<TrainedParameter> differences)
        : base(pass, adapter, weights, gradients, differences) { }

    /// <summary>Differences of zero.</summary>
    /// <param name="backend">Where the UNet is.</param>
    /// <param name="unet">What is trained; it stays the caller's.</param>
    /// <param name="adapter">What maps the student's states; it stays the caller's.</param>
    /// <exception cref="PeaException">The UNet has no cross-attention.</exception>
    public static CrossAttentionKvTarget Create(Backend backend, UNet2DConditionModel unet, PeaAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var weights = Weights(unet, key => key.EndsWith(".attn2.to_k.weight", StringComparison.Ordinal) || key.EndsWith(".attn2.to_v.weight", StringComparison.Ordinal));
        var arena = new Arena(backend, weights.Sum(weight => Arena.Align(weight.Stored.Elements * sizeof(float))));
        var gradients = new Gradients(backend);
        var differences = new List<TrainedParameter>();
        foreach (var weight in weights)
        {
            var difference = arena.Keep(weight.Stored.Shape, DType.F32);
            backend.Clear(difference);
            differences.Add(new(LoraNames.Difference(Module(weight)), difference, gradients.Track(weight.Widen(backend))));
        }
        return new(new(backend, arena), adapter, weights, gradients, differences);
    }

    private protected override void AddTo(Pass p, int index, Tensor sum) => p.Backend.Combine(sum, new(1, sum), new(1, Parameters[index].Value));
}
