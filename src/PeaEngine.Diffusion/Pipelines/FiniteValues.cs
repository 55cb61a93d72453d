namespace PeaEngine.Diffusion.Pipelines;

/// <summary>Stops a picture where its numbers go wrong: what is not finite would only become a black one.</summary>
static class FiniteValues
{
    /// <summary>The values, if all are finite.</summary>
    /// <param name="stage">What computed them, for the message.</param>
    /// <param name="backend">Where.</param>
    /// <param name="values">The values.</param>
    /// <exception cref="PeaException">Some are not.</exception>
    public static float[] Check(string stage, Backend backend, float[] values)
    {
        var wrong = values.Count(value => !float.IsFinite(value));
        if (wrong == 0) return values;
        var advice = backend.ActivationType == DType.F16 ? "; F16 ends at 65504, BF16 and F32 do not" : "";
        throw new PeaException($"{stage}: {wrong} of {values.Length} values are not finite, computed in {backend.ActivationType} on {backend.Name}{advice}");
    }
}
