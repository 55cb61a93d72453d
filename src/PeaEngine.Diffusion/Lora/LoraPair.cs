using PeaEngine.Formats;

namespace PeaEngine.Diffusion.Lora;

/// <summary>What a LoRA adds to one weight: scale · factor · up · down.</summary>
/// <param name="Component">The pipeline's component: unet, text_encoder or text_encoder_2.</param>
/// <param name="Module">The module as the file names it, with dots or underscores.</param>
/// <param name="Down">[rank, I] or a convolution's [rank, I, k, k].</param>
/// <param name="Up">[O, rank] or [O, rank, 1, 1].</param>
/// <param name="Factor">alpha/rank, or alpha/√rank for a rank-stabilised LoRA; 1 without an alpha.</param>
sealed record LoraPair(string Component, string Module, TensorInfo Down, TensorInfo Up, double Factor)
{
    /// <summary>The inner extent of the product.</summary>
    public int Rank => (int)Down.Shape[0];
}
