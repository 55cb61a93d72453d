namespace PeaEngine.Layers;

/// <summary>torch's Linear, frozen: y = activation(x · weightᵀ + bias) + residual. It keeps nothing.</summary>
public sealed class Linear
{
    readonly Weight weight;
    readonly Tensor? bias;

    /// <summary>Takes <c>weight</c> [outFeatures, inFeatures] (or a 1×1 convolution's) and, where asked, <c>bias</c>.</summary>
    public Linear(Weights w, int inFeatures, int outFeatures, bool bias = true)
    {
        (InFeatures, OutFeatures) = (inFeatures, outFeatures);
        weight = w.TakeMatrix("weight", outFeatures, inFeatures);
        this.bias = bias ? w.TakeVector("bias", outFeatures) : null;
    }

    /// <summary>The input's last extent.</summary>
    public int InFeatures { get; }

    /// <summary>The output's last extent.</summary>
    public int OutFeatures { get; }

    /// <summary>A new tensor [.., outFeatures] from x [.., inFeatures].</summary>
    public Tensor Forward(Pass p, Tensor x, Activation activation = Activation.None, Tensor? residual = null)
    {
        var y = p.New(x.Shape.WithLast(OutFeatures));
        Forward(p, x, y, activation, residual);
        return y;
    }

    /// <summary>Writes y [.., outFeatures] from x [.., inFeatures].</summary>
    public void Forward(Pass p, Tensor x, Tensor y, Activation activation = Activation.None, Tensor? residual = null)
    {
        if (x.Shape[-1] != InFeatures) throw new PeaException($"linear: input {x.Shape} has {x.Shape[-1]} features, weight {weight.Key} wants {InFeatures}");
        p.Backend.Linear(x, weight.Value, bias, y, activation, residual);
    }

    /// <summary>Writes dx [.., inFeatures] = the gradient of x + <paramref name="residual"/>, from dy [.., outFeatures] before any activation.</summary>
    public void Backward(Pass p, Tensor dy, Tensor dx, Tensor? residual = null) => p.Backend.LinearBackward(dy, weight.Value, dx, residual);

    /// <summary>A new tensor of x's gradient.</summary>
    public Tensor Backward(Pass p, Tensor dy)
    {
        var dx = p.New(dy.Shape.WithLast(InFeatures));
        Backward(p, dy, dx);
        return dx;
    }

    /// <summary>Whether its gradients are collected, for which <see cref="Train"/> needs the input.</summary>
    public bool IsTrained(Pass p) => p.Gradients is { } gradients && (gradients.Of(weight.Value) != null || gradients.FactorsOf(weight.Value) != null);

    /// <summary>Adds to the gradients of weight, or of the factors of what was added to it, and bias, where they are collected.</summary>
    public void Train(Pass p, Tensor x, Tensor dy)
    {
        if (p.Gradients?.Of(weight.Value) is { } dWeight) p.Backend.LinearWeightBackward(x, dy, dWeight);
        p.Gradients?.FactorsOf(weight.Value)?.Train(p, x, dy);
        if (bias is { } b) p.TrainBias(b, dy);
    }
}
