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

    /// <summary>
    /// Takes the block's weights; <paramref name="timeChannels"/> is 0 where there is no time embedding. With a <paramref name="scale"/>, a power of two, x, y and what lies between the
    /// convolutions are so many times what they are without: norms do not see it, given an epsilon that follows.
    /// </summary>
    public ResnetBlock2D(Weights w, int inChannels, int outChannels, int timeChannels, int groups, float epsilon, float scale = 1)
    {
        epsilon *= scale * scale;
        norm1 = new(w / "norm1", inChannels, groups, epsilon, silu: true);
        conv1 = new((w / "conv1").Scaled(scale, scale), inChannels, outChannels, 3);
        timeEmbProj = timeChannels == 0 ? null : new(w / "time_emb_proj", timeChannels, outChannels);
        norm2 = new(w / "norm2", outChannels, groups, epsilon, silu: true);
        conv2 = new((w / "conv2").Scaled(scale, scale), outChannels, outChannels, 3);
        convShortcut = inChannels == outChannels ? null : new((w / "conv_shortcut").Scaled(1, scale), inChannels, outChannels);
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
        var hidden = p.Save(y.Shape);
        using (p.Scratch())
        {
            var normed = consume && convShortcut != null && p.Saved == null ? x : p.New(x.Shape);
            norm1.Forward(p, x, normed);
            conv1.Forward(p, normed, hidden, shift);
        }
        var normed2 = p.Saved == null ? hidden : p.New(hidden.Shape);
        norm2.Forward(p, hidden, normed2);
        conv2.Forward(p, normed2, y, residual: convShortcut == null ? x : y);
        p.Saved?.Push(x);
        p.Saved?.Push(hidden);
    }

    /// <summary>
    /// A new tensor: the gradient of x. That of act is added to <paramref name="dAct"/> [B, timeChannels]. The norms' outputs, which only weights'
    /// gradients need, are computed again.
    /// </summary>
    public Tensor Backward(Pass p, Tensor? act, Tensor dy, Tensor? dAct)
    {
        Tensor hidden = p.Saved!.Pop(), x = p.Saved.Pop(), dx = p.New(x.Shape);
        using var scope = p.Scratch();
        var dHidden = p.New(hidden.Shape);
        if (conv2.IsTrained(p))
            using (p.Scratch()) conv2.Train(p, norm2.Forward(p, hidden), dy);
        conv2.Backward(p, dy, dHidden);
        norm2.Backward(p, hidden, dHidden, dHidden);
        if (timeEmbProj != null && dAct is { } ofAct) TimeBackward(p, act!.Value, dHidden, ofAct);
        if (conv1.IsTrained(p))
            using (p.Scratch()) conv1.Train(p, norm1.Forward(p, x), dHidden);
        conv1.Backward(p, dHidden, dx);
        norm1.Backward(p, x, dx, dx);
        if (convShortcut == null) p.Backend.Combine(dx, new(1, dx), new(1, dy));
        else
        {
            convShortcut.Train(p, x, dy);
            convShortcut.Backward(p, dy, dx, residual: dx);
        }
        return dx;
    }

    /// <summary>The time embedding was added at every pixel: its gradient is the sum over them.</summary>
    void TimeBackward(Pass p, Tensor act, Tensor dHidden, Tensor dAct)
    {
        using var scope = p.Scratch();
        int batch = dHidden.Shape[0], pixels = dHidden.Shape[1] * dHidden.Shape[2];
        var dShift = p.New([batch, OutChannels]);
        p.Backend.Clear(dShift);
        p.Backend.SumTokens(dHidden.Reshape([batch, pixels, OutChannels]), dShift);
        timeEmbProj!.Train(p, act, dShift);
        timeEmbProj.Backward(p, dShift, dAct, residual: dAct);
    }
}
