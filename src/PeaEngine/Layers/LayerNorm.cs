namespace PeaEngine.Layers;

/// <summary>torch's LayerNorm over the last dimension. x [.., C] to the same shape.</summary>
public sealed class LayerNorm
{
    readonly Tensor gamma, beta;
    readonly int channels;
    readonly float epsilon;
    readonly string key;

    /// <summary>Takes <c>weight</c> and <c>bias</c> [channels], which the first checkpoints of BERT call <c>gamma</c> and <c>beta</c>.</summary>
    public LayerNorm(Weights w, int channels, float epsilon = 1e-5f)
    {
        var (scale, shift) = w.Has("gamma") ? ("gamma", "beta") : ("weight", "bias");
        (this.channels, this.epsilon, key) = (channels, epsilon, w.Key(scale));
        gamma = w.TakeVector(scale, channels);
        beta = w.TakeVector(shift, channels);
    }

    /// <summary>A new tensor of x's shape.</summary>
    public Tensor Forward(Pass p, Tensor x)
    {
        var y = p.New(x.Shape);
        Forward(p, x, y);
        return y;
    }

    /// <summary>Writes y, which may be x.</summary>
    public void Forward(Pass p, Tensor x, Tensor y)
    {
        if (x.Shape[-1] != channels) throw new PeaException($"layer_norm: input {x.Shape} has {x.Shape[-1]} channels, {key} wants {channels}");
        p.Backend.LayerNorm(x, gamma, beta, y, epsilon);
    }

    /// <summary>
    /// Writes dx = the gradient of x + <paramref name="residual"/> from the forward pass's input, and adds to the gradients of its parameters where
    /// they are collected.
    /// </summary>
    public void Backward(Pass p, Tensor x, Tensor dy, Tensor dx, Tensor? residual = null) =>
        p.Backend.LayerNormBackward(x, gamma, dy, dx, epsilon, residual, p.Gradients?.Of(gamma), p.Gradients?.Of(beta));
}
