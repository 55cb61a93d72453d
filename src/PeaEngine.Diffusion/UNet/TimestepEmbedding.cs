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

    /// <summary>Whether its gradients are collected.</summary>
    public bool IsTrained(Pass p) => linear1.IsTrained(p) || linear2.IsTrained(p);

    /// <summary>A new tensor: the gradient of the forward pass's input x [B, inFeatures], from dy [B, outFeatures]. The hidden layer is computed again.</summary>
    public Tensor Backward(Pass p, Tensor x, Tensor dy)
    {
        var dx = p.New(x.Shape);
        using var scope = p.Scratch();
        var hidden = linear1.Forward(p, x);
        var dHidden = linear2.Backward(p, dy);
        if (linear2.IsTrained(p))
        {
            var activated = p.New(hidden.Shape);
            p.Backend.Activate(hidden, activated, Activation.Silu);
            linear2.Train(p, activated, dy);
        }
        p.Backend.ActivateBackward(hidden, dHidden, dHidden, Activation.Silu);
        linear1.Train(p, x, dHidden);
        linear1.Backward(p, dHidden, dx);
        return dx;
    }
}
