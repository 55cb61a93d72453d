using PeaEngine.Layers;

namespace PeaEngine.Diffusion.UNet;

/// <summary>diffusers TimestepEmbedding: linear_2(silu(linear_1(x))). x [B, inFeatures] to [B, outFeatures].</summary>
sealed class TimestepEmbedding(Weights w, int inFeatures, int outFeatures)
{
    readonly Linear linear1 = new(w / "linear_1", inFeatures, outFeatures), linear2 = new(w / "linear_2", outFeatures, outFeatures);

    /// <summary>Writes y [B, outFeatures], to which <paramref name="added"/> [B, outFeatures] is added.</summary>
    public void Forward(Pass p, Tensor x, Tensor y, Tensor? added = null)
    {
        using var scope = p.Scratch();
        linear2.Forward(p, linear1.Forward(p, x, Activation.Silu), y, residual: added);
    }
}
