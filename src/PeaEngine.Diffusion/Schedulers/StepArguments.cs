namespace PeaEngine.Diffusion.Schedulers;

/// <summary>Where a stochastic step's noise comes from: one torch generator a call.</summary>
public interface INoiseSource
{
    /// <summary>Draws the next values of the standard normal distribution, as diffusers' <c>randn_tensor</c>.</summary>
    /// <param name="noise">[B, C, H, W] F32, filled in its own order</param>
    void Fill(Tensor noise);
}

/// <summary>What a step may need beside its tensors.</summary>
/// <param name="Noise">Asked only by a step that draws noise, exactly once then; such a step without it is an error.</param>
/// <param name="Eta">DDIM's and TCD's share of noise, from 0 to 1; when absent, that of the class (0, and 0.3 for TCD).</param>
public readonly record struct StepArguments(INoiseSource? Noise = null, double? Eta = null);
