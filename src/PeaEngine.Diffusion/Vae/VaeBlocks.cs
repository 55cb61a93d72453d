using PeaEngine.Diffusion.Blocks;
using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Vae;

/// <summary>What the encoder's and the decoder's blocks share.</summary>
static class VaeBlocks
{
    /// <summary>Of every norm of a VAE.</summary>
    public const float Epsilon = 1e-6f;

    /// <summary>
    /// What the residual stream of a VAE that overflows F16 is multiplied by there. SDXL's has been seen at 3·10⁵; so it may reach 4·10⁶. The price is subnormal weights: those
    /// below 2⁻⁸ are moved by up to 2⁻¹⁹, no more than rounding to F16 moves one just above.
    /// </summary>
    const float HalfScale = 1f / 64;

    /// <summary>
    /// The scale s of the residual stream in a type of activations. What is normalised does not depend on its size, and all that leaves the stream is normalised first. So what writes to it
    /// has weights and biases times s, what goes from it to it (a shortcut, a resampling) has biases times s, norms have an epsilon times s², and nothing else changes.
    /// </summary>
    public static float Scale(AutoencoderKLConfig config, DType activations) => config.ForceUpcast && activations == DType.F16 ? HalfScale : 1;

    /// <summary>Takes <c>resnets</c>, of which the first changes the channels.</summary>
    public static ResnetBlock2D[] Resnets(Weights w, int inChannels, int outChannels, int layers, int groups, float scale)
    {
        var resnets = new ResnetBlock2D[layers];
        for (var i = 0; i < layers; i++) resnets[i] = new(w / "resnets" / i, i == 0 ? inChannels : outChannels, outChannels, 0, groups, Epsilon, scale);
        return resnets;
    }

    /// <summary>Moves the chain on; in place where the channels stay.</summary>
    public static void Forward(Pass p, ResnetBlock2D[] resnets, ActivationChain chain)
    {
        foreach (var resnet in resnets)
        {
            p.ThrowIfCancelled();
            var x = chain.Current;
            if (x.Shape[-1] == resnet.OutChannels)
            {
                var over = p.Over(x);
                resnet.Forward(p, x, over, act: null);
                chain.Replace(over);
                continue;
            }
            var y = chain.Next(x.Shape.WithLast(resnet.OutChannels));
            resnet.Forward(p, x, y, act: null, consume: true);
            chain.Advance(y);
        }
    }

    /// <summary>A new tensor: the gradient of the first resnet's input.</summary>
    public static Tensor Backward(Pass p, ResnetBlock2D[] resnets, Tensor dy)
    {
        for (var i = resnets.Length - 1; i >= 0; i--)
        {
            p.ThrowIfCancelled();
            dy = resnets[i].Backward(p, act: null, dy, dAct: null);
        }
        return dy;
    }

    /// <summary>Writes y: the last convolution of the norm of x, which may be overwritten.</summary>
    public static void Output(Pass p, GroupNorm norm, Conv2d conv, Tensor x, Tensor y)
    {
        using var scope = p.Scratch();
        var normed = p.Saved == null ? x : p.New(x.Shape);
        norm.Forward(p, x, normed);
        conv.Forward(p, normed, y);
        p.Saved?.Push(x);
    }

    /// <summary>A new tensor: the gradient of <see cref="Output"/>'s x. The norm's output is computed again.</summary>
    public static Tensor OutputBackward(Pass p, GroupNorm norm, Conv2d conv, Tensor dy)
    {
        var x = p.Saved!.Pop();
        var dx = p.New(x.Shape);
        if (conv.IsTrained(p))
            using (p.Scratch()) conv.Train(p, norm.Forward(p, x), dy);
        conv.Backward(p, dy, dx);
        norm.Backward(p, x, dx, dx);
        return dx;
    }
}
