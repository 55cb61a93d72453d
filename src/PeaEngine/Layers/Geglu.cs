namespace PeaEngine.Layers;

/// <summary>diffusers GEGLU: one projection to values and gates, values · gelu(gates). x [.., inFeatures] to [.., outFeatures].</summary>
public sealed class Geglu
{
    readonly Weight weight;
    readonly Tensor bias;
    readonly int inFeatures, outFeatures;

    /// <summary>Takes <c>proj.weight</c> [2·outFeatures, inFeatures] and <c>proj.bias</c>.</summary>
    public Geglu(Weights w, int inFeatures, int outFeatures)
    {
        var proj = w / "proj";
        (this.inFeatures, this.outFeatures) = (inFeatures, outFeatures);
        weight = proj.TakeMatrix("weight", 2 * outFeatures, inFeatures);
        bias = proj.TakeVector("bias", 2 * outFeatures);
    }

    /// <summary>A new tensor [.., outFeatures].</summary>
    public Tensor Forward(Pass p, Tensor x)
    {
        if (x.Shape[-1] != inFeatures) throw new PeaException($"geglu: input {x.Shape} has {x.Shape[-1]} features, weight {weight.Key} wants {inFeatures}");
        var y = p.New(x.Shape.WithLast(outFeatures));
        p.Backend.Geglu(x, weight.Value, bias, y);
        return y;
    }
}
