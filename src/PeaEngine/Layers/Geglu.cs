namespace PeaEngine.Layers;

/// <summary>Values and gates of one input, values · activation(gates). x [.., inFeatures] to [.., outFeatures].</summary>
public sealed class Geglu
{
    readonly Weight weight;
    readonly Tensor? bias;
    readonly int inFeatures, outFeatures;
    readonly Activation activation;
    readonly bool isStacked;

    /// <summary>diffusers GEGLU: takes <c>proj.weight</c> [2·outFeatures, inFeatures] and <c>proj.bias</c>.</summary>
    public Geglu(Weights w, int inFeatures, int outFeatures)
    {
        var proj = w / "proj";
        (this.inFeatures, this.outFeatures, activation) = (inFeatures, outFeatures, Activation.Gelu);
        weight = proj.TakeMatrix("weight", 2 * outFeatures, inFeatures);
        bias = proj.TakeVector("bias", 2 * outFeatures);
    }

    /// <summary>transformers T5DenseGatedActDense without its output: takes <c>wi_1.weight</c>, the values, and <c>wi_0.weight</c>, the gates, [outFeatures, inFeatures] each.</summary>
    public Geglu(Weights w, int inFeatures, int outFeatures, Activation activation)
    {
        (this.inFeatures, this.outFeatures, this.activation, isStacked) = (inFeatures, outFeatures, activation, true);
        weight = w.TakeStacked("wi_1.weight", "wi_0.weight", outFeatures, inFeatures);
    }

    /// <summary>A new tensor [.., outFeatures].</summary>
    public Tensor Forward(Pass p, Tensor x)
    {
        if (x.Shape[-1] != inFeatures) throw new PeaException($"geglu: input {x.Shape} has {x.Shape[-1]} features, weight {weight.Key} wants {inFeatures}");
        var y = p.New(x.Shape.WithLast(outFeatures));
        p.Backend.Geglu(x, weight.Value, bias, y, activation);
        return y;
    }

    /// <summary>
    /// A new tensor dx [.., inFeatures] from the forward pass's input x and dy [.., outFeatures]. The hidden layer of twice the width, which
    /// forward never stores, is computed again.
    /// </summary>
    public Tensor Backward(Pass p, Tensor x, Tensor dy)
    {
        var dx = p.New(x.Shape);
        using var scope = p.Scratch();
        var hidden = p.New(x.Shape.WithLast(2 * outFeatures));
        p.Backend.Linear(x, weight.Value, bias, hidden);
        p.Backend.GateBackward(hidden, dy, hidden, activation);
        if (isStacked) TrainStacked(p, x, hidden);
        else if (p.Gradients?.Of(weight.Value) is { } dWeight) p.Backend.LinearWeightBackward(x, hidden, dWeight);
        if (bias is { } b) p.TrainBias(b, hidden);
        p.Backend.LinearBackward(hidden, weight.Value, dx);
        return dx;
    }

    /// <summary>Values and gates are parameters of their own.</summary>
    void TrainStacked(Pass p, Tensor x, Tensor dHidden)
    {
        Tensor? dValues = p.Gradients?.Of(weight.Value), dGates = p.Gradients?.Of(weight.Value.Slice(outFeatures, outFeatures));
        if (dValues == null && dGates == null) return;
        using var scope = p.Scratch();
        Tensor values = p.New(dHidden.Shape.WithLast(outFeatures)), gates = p.New(values.Shape);
        p.Backend.Split(dHidden, values, gates);
        if (dValues is { } ofValues) p.Backend.LinearWeightBackward(x, values, ofValues);
        if (dGates is { } ofGates) p.Backend.LinearWeightBackward(x, gates, ofGates);
    }
}
