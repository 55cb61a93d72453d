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
/// <param name="scale">As of <see cref="ResnetBlock2D"/>.</param>
sealed class UNetMidBlock2D(Weights w, int channels, int layers, bool attention, int timeChannels, int groups, float epsilon, float scale = 1)
{
    readonly ResnetBlock2D[] resnets =
        [.. Enumerable.Range(0, layers + 1).Select(i => new ResnetBlock2D(w / "resnets" / i, channels, channels, timeChannels, groups, epsilon, scale))];
    readonly GroupNorm[] norms =
        attention ? [.. Enumerable.Range(0, layers).Select(i => new GroupNorm(w / "attentions" / i / "group_norm", channels, groups, epsilon * scale * scale))] : [];
    readonly Attention[] attentions =
        attention ? [.. Enumerable.Range(0, layers).Select(i => new Attention(w / "attentions" / i, channels, channels, 1, channels, bias: true, scale))] : [];

    /// <summary>x to a tensor of its shape: <paramref name="y"/>, which may be x, or where a backward pass will need that, another.</summary>
    public Tensor Forward(Pass p, Tensor x, Tensor y, Tensor? act)
    {
        resnets[0].Forward(p, x, y, act);
        for (var i = 1; i < resnets.Length; i++)
        {
            p.ThrowIfCancelled();
            if (attention) y = Attend(p, i - 1, y);
            var next = p.Over(y);
            resnets[i].Forward(p, y, next, act);
            y = next;
        }
        return y;
    }

    /// <summary>A new tensor: the gradient of x. dy is overwritten; the gradient of act is added to <paramref name="dAct"/>.</summary>
    public Tensor Backward(Pass p, Tensor? act, Tensor dy, Tensor? dAct)
    {
        for (var i = resnets.Length - 1; i > 0; i--)
        {
            dy = resnets[i].Backward(p, act, dy, dAct);
            if (attention) AttendBackward(p, i - 1, dy);
        }
        return resnets[0].Backward(p, act, dy, dAct);
    }

    Tensor Attend(Pass p, int layer, Tensor x)
    {
        var y = p.Over(x);
        using var scope = p.Scratch();
        attentions[layer].Forward(p, norms[layer].Forward(p, x).Reshape(Tokens(x)), x.Reshape(Tokens(x)), y.Reshape(Tokens(x)));
        p.Saved?.Push(x);
        return y;
    }

    /// <summary>Turns the gradient of the attention's output, in place, into that of its input.</summary>
    void AttendBackward(Pass p, int layer, Tensor dx)
    {
        var x = p.Saved!.Pop();
        using var scope = p.Scratch();
        var dNormed = p.New(x.Shape);
        Tensor? normed = attentions[layer].IsTrained(p) ? norms[layer].Forward(p, x).Reshape(Tokens(x)) : null;
        attentions[layer].Backward(p, normed, dx.Reshape(Tokens(x)), dNormed.Reshape(Tokens(x)));
        norms[layer].Backward(p, x, dNormed, dNormed);
        p.Backend.Combine(dx, new(1, dx), new(1, dNormed));
    }

    Shape Tokens(Tensor x) => [x.Shape[0], x.Shape[1] * x.Shape[2], channels];
}
