namespace PeaEngine;

/// <summary>One term of a linear combination.</summary>
/// <param name="Coefficient">What the tensor is multiplied by.</param>
/// <param name="Tensor">T, as many elements as the output.</param>
public readonly record struct Term(float Coefficient, Tensor Tensor);

public abstract partial class Backend
{
    /// <summary>y = activation(x), elementwise.</summary>
    /// <param name="x">T</param>
    /// <param name="y">T, as many elements; may be <paramref name="x"/></param>
    /// <param name="activation">Which function.</param>
    public abstract void Activate(Tensor x, Tensor y, Activation activation);

    /// <summary>dx = dy · activation′(x), elementwise.</summary>
    /// <param name="x">T: the activation's input</param>
    /// <param name="dy">T, as many elements</param>
    /// <param name="dx">T, as many elements, overwritten; may be <paramref name="dy"/></param>
    /// <param name="activation">Which function.</param>
    public abstract void ActivateBackward(Tensor x, Tensor dy, Tensor dx, Activation activation);

    /// <summary>y = Σ coefficient · tensor, summed in the order given: guidance, and every scheduler's update.</summary>
    /// <param name="y">T; may be one of the terms</param>
    /// <param name="terms">One to eight terms.</param>
    public abstract void Combine(Tensor y, params ReadOnlySpan<Term> terms);

    /// <summary><see cref="Combine"/> with coefficients that lie where the tensors do, so that a recorded one has those of its time.</summary>
    /// <param name="y">F32; may be one of the terms</param>
    /// <param name="coefficients">[terms] F32</param>
    /// <param name="terms">One to eight, F32.</param>
    public virtual void CombineAt(Tensor y, Tensor coefficients, ReadOnlySpan<Tensor> terms)
    {
        const int Most = 8;
        Span<Term> given = [default, default, default, default, default, default, default, default];
        if (terms.Length is < 1 or > Most) throw new PeaException($"combine: {terms.Length} terms, expected 1 to {Most}");
        var values = coefficients.AsSpan<float>();
        for (var i = 0; i < terms.Length; i++) given[i] = new(values[i], terms[i]);
        Combine(y, given[..terms.Length]);
    }

    /// <summary>y = a followed by b along the last dimension.</summary>
    /// <param name="a">[.., A] T</param>
    /// <param name="b">[.., B] T</param>
    /// <param name="y">[.., A + B] T</param>
    public abstract void Concat(Tensor a, Tensor b, Tensor y);

    /// <summary>What <see cref="Concat"/> put together, apart again: its gradient.</summary>
    /// <param name="x">[.., A + B] T</param>
    /// <param name="a">[.., A] T</param>
    /// <param name="b">[.., B] T</param>
    public abstract void Split(Tensor x, Tensor a, Tensor b);

    /// <summary>y = x, with conversion between F32, F16 and BF16.</summary>
    public abstract void Copy(Tensor x, Tensor y);

    /// <summary>y[b, h, w, c] = x[b, c, h, w]: from the reference's layout to channels last.</summary>
    /// <param name="x">[B, C, H, W] T</param>
    /// <param name="y">[B, H, W, C] T</param>
    public abstract void ToChannelsLast(Tensor x, Tensor y);

    /// <summary>y[b, c, h, w] = x[b, h, w, c]: from channels last to the reference's layout.</summary>
    /// <param name="x">[B, H, W, C] T</param>
    /// <param name="y">[B, C, H, W] T</param>
    public abstract void ToChannelsFirst(Tensor x, Tensor y);

    /// <summary>
    /// diffusers' rescale_noise_cfg (arXiv 2305.08891, section 3.4), in place and per sample: noise · (φ · std(text) / std(noise) + 1 − φ),
    /// standard deviations unbiased, over all but the first dimension.
    /// </summary>
    /// <param name="noise">[B, ..] F32: the guided prediction, overwritten</param>
    /// <param name="text">[B, ..] F32: the conditional prediction</param>
    /// <param name="phi">guidance_rescale</param>
    public abstract void RescaleGuidance(Tensor noise, Tensor text, float phi);
}
