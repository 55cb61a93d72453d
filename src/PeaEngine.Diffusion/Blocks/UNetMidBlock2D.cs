using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Blocks;

/// <summary>
/// diffusers UNetMidBlock2D: a resnet, then <paramref name="layers"/> times self-attention over all pixels (one head, where
/// <paramref name="attention"/>) and a resnet. x [B, H, W, channels] to the same shape.
/// </summary>
/// <param name="w">Where <c>resnets</c> and <c>attentions</c> are.</param>
/// <param name="channels">Of input and output.</param>
/// <param name="layers">1 in a VAE, 0 in a UNet.</param>
/// <param name="attention">Whether there is attention between the resnets.</param>
/// <param name="timeChannels">0 where there is no time embedding.</param>
/// <param name="groups">Of every norm.</param>
/// <param name="epsilon">Of every norm.</param>
sealed class UNetMidBlock2D(Weights w, int channels, int layers, bool attention, int timeChannels, int groups, float epsilon)
{
    readonly ResnetBlock2D[] resnets =
        [.. Enumerable.Range(0, layers + 1).Select(i => new ResnetBlock2D(w / "resnets" / i, channels, channels, timeChannels, groups, epsilon))];
    readonly GroupNorm[] norms =
        attention ? [.. Enumerable.Range(0, layers).Select(i => new GroupNorm(w / "attentions" / i / "group_norm", channels, groups, epsilon))] : [];
    readonly Attention[] attentions =
        attention ? [.. Enumerable.Range(0, layers).Select(i => new Attention(w / "attentions" / i, channels, channels, 1, channels, bias: true))] : [];

    /// <summary>Writes y [B, H, W, channels], which may be x.</summary>
    public void Forward(Pass p, Tensor x, Tensor y, Tensor? act)
    {
        resnets[0].Forward(p, x, y, act);
        Shape tokens = [y.Shape[0], y.Shape[1] * y.Shape[2], channels];
        for (var i = 1; i < resnets.Length; i++)
        {
            p.ThrowIfCancelled();
            if (attention)
            {
                using var scope = p.Scratch();
                attentions[i - 1].Forward(p, norms[i - 1].Forward(p, y).Reshape(tokens), y.Reshape(tokens));
            }
            resnets[i].Forward(p, y, y, act);
        }
    }
}
