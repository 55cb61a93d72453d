using PeaEngine.Diffusion.Blocks;

namespace PeaEngine.Diffusion.Vae;

/// <summary>What the encoder's and the decoder's blocks share.</summary>
static class VaeBlocks
{
    /// <summary>Of every norm of a VAE.</summary>
    public const float Epsilon = 1e-6f;

    /// <summary>Takes <c>resnets</c>, of which the first changes the channels.</summary>
    public static ResnetBlock2D[] Resnets(Weights w, int inChannels, int outChannels, int layers, int groups)
    {
        var resnets = new ResnetBlock2D[layers];
        for (var i = 0; i < layers; i++) resnets[i] = new(w / "resnets" / i, i == 0 ? inChannels : outChannels, outChannels, 0, groups, Epsilon);
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
                resnet.Forward(p, x, x, act: null);
                continue;
            }
            var y = chain.Next(x.Shape.WithLast(resnet.OutChannels));
            resnet.Forward(p, x, y, act: null, consume: true);
            chain.Advance(y);
        }
    }
}
