namespace PeaEngine.Layers;

/// <summary>Values and gates of one input, values · activation(gates). x [.., inFeatures] to [.., outFeatures].</summary>
public sealed class Geglu
{
    readonly Weight weight;
    readonly Tensor? bias;
    readonly int inFeatures, outFeatures;
    readonly Activation activation;

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
        (this.inFeatures, this.outFeatures, this.activation) = (inFeatures, outFeatures, activation);
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
}
