using PeaEngine.Layers;

namespace PeaEngine.Diffusion.Blocks;

/// <summary>
/// diffusers ResnetBlock2D: x [B, H, W, inChannels], act [B, timeChannels] = silu(temb) to
/// y [B, H, W, outChannels] = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + time_emb_proj(act)))).
/// </summary>
sealed class ResnetBlock2D
{
    readonly GroupNorm norm1, norm2;
    readonly Conv2d conv1, conv2;
    readonly Linear? timeEmbProj, convShortcut;

    /// <summary>Takes the block's weights; <paramref name="timeChannels"/> is 0 where there is no time embedding.</summary>
    public ResnetBlock2D(Weights w, int inChannels, int outChannels, int timeChannels, int groups, float epsilon)
    {
        norm1 = new(w / "norm1", inChannels, groups, epsilon, silu: true);
        conv1 = new(w / "conv1", inChannels, outChannels, 3);
        timeEmbProj = timeChannels == 0 ? null : new(w / "time_emb_proj", timeChannels, outChannels);
        norm2 = new(w / "norm2", outChannels, groups, epsilon, silu: true);
        conv2 = new(w / "conv2", outChannels, outChannels, 3);
        convShortcut = inChannels == outChannels ? null : new(w / "conv_shortcut", inChannels, outChannels);
        OutChannels = outChannels;
    }

    /// <summary>The output's last extent.</summary>
    public int OutChannels { get; }

    /// <summary>
    /// Writes y, which may be x where the channels agree. With <paramref name="consume"/> x is not needed afterwards and may be
    /// overwritten, which saves a tensor of its size.
    /// </summary>
    public void Forward(Pass p, Tensor x, Tensor y, Tensor? act, bool consume = false)
    {
        using var scope = p.Scratch();
        convShortcut?.Forward(p, x, y);
        Tensor? shift = timeEmbProj == null || act == null ? null : timeEmbProj.Forward(p, act.Value);
        var hidden = p.New(y.Shape);
        using (p.Scratch())
        {
            var normed = consume && convShortcut != null ? x : p.New(x.Shape);
            norm1.Forward(p, x, normed);
            conv1.Forward(p, normed, hidden, shift);
        }
        norm2.Forward(p, hidden, hidden);
        conv2.Forward(p, hidden, y, residual: convShortcut == null ? x : y);
    }
}
