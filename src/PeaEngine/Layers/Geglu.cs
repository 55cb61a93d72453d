namespace PeaEngine.Layers;

/// <summary>diffusers GEGLU: one projection to values and gates, values · gelu(gates). x [.., inFeatures] to [.., outFeatures].</summary>
public sealed class Geglu
{
    readonly Tensor weight, bias;
    readonly string key;
    readonly int inFeatures, outFeatures;

    /// <summary>Takes <c>proj.weight</c> [2·outFeatures, inFeatures] and <c>proj.bias</c>.</summary>
    public Geglu(Weights w, int inFeatures, int outFeatures)
    {
        var proj = w / "proj";
        (this.inFeatures, this.outFeatures, key) = (inFeatures, outFeatures, proj.Key("weight"));
        weight = proj.Take("weight", [2 * outFeatures, inFeatures]);
        bias = proj.TakeVector("bias", 2 * outFeatures);
    }

    /// <summary>A new tensor [.., outFeatures].</summary>
    public Tensor Forward(Pass p, Tensor x)
    {
        if (x.Shape[-1] != inFeatures) throw new PeaException($"geglu: input {x.Shape} has {x.Shape[-1]} features, weight {key} wants {inFeatures}");
        var y = p.New(x.Shape.WithLast(outFeatures));
        p.Backend.Geglu(x, weight, bias, y);
        return y;
    }
}
