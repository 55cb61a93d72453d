using PeaEngine.Randomness;

namespace PeaEngine.Train;

/// <summary>Weights before their first step.</summary>
static class FreshWeights
{
    /// <summary>As torch's Linear begins with: uniform within 1/√inputs.</summary>
    public static float[] Uniform(long count, int inputs, Philox random)
    {
        var bound = 1 / Math.Sqrt(inputs);
        var values = new float[count];
        for (var i = 0; i < values.Length; i++) values[i] = (float)((2 * random.UniformDouble() - 1) * bound);
        return values;
    }
}
