namespace PeaEngine.Layers;

/// <summary>Two linears: second(activation(first(x))). x [.., inFeatures] to [.., outFeatures].</summary>
public sealed class Mlp(Linear first, Activation activation, Linear second)
{
    /// <summary>Writes y [.., outFeatures], to which <paramref name="residual"/> is added, which may be y.</summary>
    public void Forward(Pass p, Tensor x, Tensor y, Tensor? residual = null)
    {
        using var scope = p.Scratch();
        second.Forward(p, first.Forward(p, x, activation), y, residual: residual);
    }

    /// <summary>Whether its gradients are collected.</summary>
    public bool IsTrained(Pass p) => first.IsTrained(p) || second.IsTrained(p);

    /// <summary>
    /// Writes dx = the gradient of the forward pass's input x + <paramref name="residual"/>, from dy without forward's residual. dx may be dy and the
    /// residual. The hidden layer is computed again.
    /// </summary>
    public void Backward(Pass p, Tensor x, Tensor dy, Tensor dx, Tensor? residual = null)
    {
        using var scope = p.Scratch();
        var hidden = first.Forward(p, x);
        if (second.IsTrained(p))
            using (p.Scratch())
            {
                var activated = p.New(hidden.Shape);
                p.Backend.Activate(hidden, activated, activation);
                second.Train(p, activated, dy);
            }
        var dHidden = second.Backward(p, dy);
        p.Backend.ActivateBackward(hidden, dHidden, dHidden, activation);
        first.Train(p, x, dHidden);
        first.Backward(p, dHidden, dx, residual);
    }
}
