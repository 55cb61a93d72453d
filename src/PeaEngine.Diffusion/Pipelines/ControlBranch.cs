using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.UNet;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>
/// The ControlNets in the loop: their residuals, summed (diffusers' MultiControlNetModel). In guess mode only the conditional half of a
/// guided batch is controlled.
/// </summary>
/// <param name="inputs">At least one.</param>
/// <param name="guessMode">guess_mode</param>
/// <param name="batch">Samples of the UNet.</param>
/// <param name="count">Pictures of the prompt.</param>
sealed class ControlBranch(IReadOnlyList<ControlInput> inputs, bool guessMode, int batch, int count)
{
    readonly int controlled = guessMode ? count : batch;

    /// <summary>What every step needs, at the arena's kept end: made from the UNet's own conditions, [batch, ..].</summary>
    public ControlNetConditioning[] Condition(Pass p, Tensor sequence, Tensor? pooled, Tensor? timeIds)
    {
        var conditionings = new ControlNetConditioning[inputs.Count];
        for (var i = 0; i < conditionings.Length; i++)
        {
            using var scope = p.Scratch();
            var (model, isTextTime) = (inputs[i].Model, inputs[i].Model.Config.IsTextTime);
            var image = p.New([1, inputs[i].Height, inputs[i].Width, 3]);
            p.Backend.Upload(inputs[i].Image, image);
            conditionings[i] = model.Condition(p, image, Controlled(sequence), isTextTime ? Controlled(pooled!.Value) : null, isTextTime ? Controlled(timeIds!.Value) : null);
        }
        return conditionings;
    }

    /// <summary>The residuals at one of the scheduler's timesteps, or null where no ControlNet is on; at the arena's kept end.</summary>
    /// <param name="p">The pass.</param>
    /// <param name="sample">[batch, h, w, C]: the scaled latents</param>
    /// <param name="timesteps">[batch]</param>
    /// <param name="conditionings">Of <see cref="Condition"/>.</param>
    /// <param name="index">Which timestep, or -1 for one at which all ControlNets are on.</param>
    public UNetResiduals? Forward(Pass p, Tensor sample, Tensor timesteps, ControlNetConditioning[] conditionings, int index)
    {
        UNetResiduals? sum = null;
        for (var i = 0; i < conditionings.Length; i++)
        {
            if (index >= 0 && !inputs[i].Steps.Contains(index)) continue;
            var mark = p.Arena.KeptBytes;
            var residuals = inputs[i].Model.Forward(p, Controlled(sample), Controlled(timesteps), conditionings[i], inputs[i].Scale, guessMode);
            if (sum == null) sum = residuals;
            else
            {
                sum.Add(p, residuals);
                p.Arena.ReleaseKept(mark);
            }
        }
        return sum;
    }

    /// <summary>Whether the same ControlNets are on at two steps.</summary>
    public bool IsAlike(int index, int other)
    {
        for (var i = 0; i < inputs.Count; i++)
            if (inputs[i].Steps.Contains(index) != inputs[i].Steps.Contains(other)) return false;
        return true;
    }

    /// <summary>The last samples, which are the conditional ones.</summary>
    Tensor Controlled(Tensor all) => all.Slice(batch - controlled, controlled);
}
