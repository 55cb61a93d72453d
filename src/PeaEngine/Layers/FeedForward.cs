namespace PeaEngine.Layers;

/// <summary>A gated feed-forward: project(values · activation(gates)). x [.., features] to the same shape.</summary>
public sealed class FeedForward(Geglu gated, Linear project)
{
    /// <summary>Writes y [.., features], to which <paramref name="residual"/> is added, which may be y.</summary>
    public void Forward(Pass p, Tensor x, Tensor residual, Tensor y)
    {
        using var scope = p.Scratch();
        project.Forward(p, gated.Forward(p, x), y, residual: residual);
    }

    /// <summary>A new tensor: the gradient of the forward pass's input x, without that of the residual, which is dy.</summary>
    public Tensor Backward(Pass p, Tensor x, Tensor dy)
    {
        if (project.IsTrained(p))
            using (p.Scratch()) project.Train(p, gated.Forward(p, x), dy);
        return gated.Backward(p, x, project.Backward(p, dy));
    }
}
