using PeaEngine.Diffusion.ControlNet;
using PeaEngine.Diffusion.UNet;
using PeaEngine.Diffusion.Vae;

namespace PeaEngine.Diffusion.Pipelines;

/// <summary>A pipeline's models, loaded: the UNet on the caller's thread, all others on another at the same time.</summary>
sealed class PipelineModels
{
    /// <summary>Loads them; the owner frees them, also when one fails to load.</summary>
    /// <exception cref="PeaException">A file is damaged, or does not fit its configuration.</exception>
    public PipelineModels(PipelineConfig config, Backend backend, ComponentOwner components)
    {
        var others = Task.Run(() =>
        {
            using var weights = config.VaeFiles.OpenWeights();
            var vae = components.Own(AutoencoderKL.Load(backend, config.VaeFiles.Config, weights));
            var encoders = new PromptEncoder[config.Source.Adapter == null ? config.TextEncoders.Count : 0];
            for (var i = 0; i < encoders.Length; i++) encoders[i] = components.Own(PromptEncoder.Load(config.Files, backend, config.TextEncoders[i]));
            var controlNets = new ControlNetModel[config.ControlNetFiles.Count];
            for (var i = 0; i < controlNets.Length; i++)
            {
                using var controlNetWeights = config.ControlNetFiles[i].OpenWeights();
                controlNets[i] = components.Own(ControlNetModel.Load(backend, config.ControlNetFiles[i].Config, controlNetWeights));
            }
            return (vae, encoders, controlNets);
        });
        try
        {
            using var weights = config.UNetFiles.OpenWeights();
            UNet = components.Own(UNet2DConditionModel.Load(backend, config.UNetFiles.Config, weights));
        }
        finally
        {
            // Whoever frees the parts must have them all; this wait throws nothing.
            Task.WaitAny(others);
        }
        (Vae, Encoders, ControlNets) = others.GetAwaiter().GetResult();
    }

    /// <summary>The denoiser.</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>The VAE.</summary>
    public AutoencoderKL Vae { get; }

    /// <summary>The text encoders with their tokenizers, in the configuration's order; none where an adapter stands for them.</summary>
    public IReadOnlyList<PromptEncoder> Encoders { get; }

    /// <summary>The ControlNets, in the source's order.</summary>
    public IReadOnlyList<ControlNetModel> ControlNets { get; }
}
