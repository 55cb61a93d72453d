namespace PeaEngine.Layers;

/// <summary>torch's GroupNorm over channels last, with SiLU fused where asked. x [B, .., C] to the same shape.</summary>
public sealed class GroupNorm
{
    readonly Tensor gamma, beta;
    readonly int channels, groups;
    readonly float epsilon;
    readonly bool silu;
    readonly string key;

    /// <summary>Takes <c>weight</c> and <c>bias</c> [channels].</summary>
    /// <exception cref="PeaException">The groups do not divide the channels.</exception>
    public GroupNorm(Weights w, int channels, int groups, float epsilon, bool silu = false)
    {
        key = w.Key("weight");
        if (groups <= 0 || channels % groups != 0) throw new PeaException($"group_norm {key}: {channels} channels do not divide into {groups} groups");
        (this.channels, this.groups, this.epsilon, this.silu) = (channels, groups, epsilon, silu);
        gamma = w.TakeVector("weight", channels);
        beta = w.TakeVector("bias", channels);
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
        if (x.Shape[-1] != channels) throw new PeaException($"group_norm: input {x.Shape} has {x.Shape[-1]} channels, {key} wants {channels}");
        p.Backend.GroupNorm(x, gamma, beta, y, groups, epsilon, silu);
    }

    /// <summary>Writes dx, which may be dy, from the forward pass's input, and adds to the gradients of its parameters where they are collected.</summary>
    public void Backward(Pass p, Tensor x, Tensor dy, Tensor dx) =>
        p.Backend.GroupNormBackward(x, gamma, beta, dy, dx, groups, epsilon, silu, p.Gradients?.Of(gamma), p.Gradients?.Of(beta));
}
