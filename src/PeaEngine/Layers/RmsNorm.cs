namespace PeaEngine.Layers;

/// <summary>transformers' T5LayerNorm over the last dimension. x [.., C] to the same shape.</summary>
public sealed class RmsNorm
{
    readonly Tensor gamma;
    readonly int channels;
    readonly float epsilon;
    readonly string key;

    /// <summary>Takes <c>weight</c> [channels].</summary>
    public RmsNorm(Weights w, int channels, float epsilon)
    {
        (this.channels, this.epsilon, key) = (channels, epsilon, w.Key("weight"));
        gamma = w.TakeVector("weight", channels);
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
        if (x.Shape[-1] != channels) throw new PeaException($"rms_norm: input {x.Shape} has {x.Shape[-1]} channels, {key} wants {channels}");
        p.Backend.RmsNorm(x, gamma, y, epsilon);
    }

    /// <summary>
    /// Writes dx = the gradient of x + <paramref name="residual"/> from the forward pass's input, and adds to the gradient of its parameter where it is
    /// collected.
    /// </summary>
    public void Backward(Pass p, Tensor x, Tensor dy, Tensor dx, Tensor? residual = null) =>
        p.Backend.RmsNormBackward(x, gamma, dy, dx, epsilon, residual, p.Gradients?.Of(gamma));
}
