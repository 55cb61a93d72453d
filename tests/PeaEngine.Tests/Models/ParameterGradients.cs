namespace PeaEngine.Tests.Models;

/// <summary>Gradients of a whole model's weights against a golden file's.</summary>
static class ParameterGradients
{
    static readonly (string Key, string Query)[] Biases = [(".to_k.bias", ".to_q.bias"), (".key.bias", ".query.bias"), (".k_proj.bias", ".q_proj.bias")];

    /// <summary>Fails where a gradient is not the file's, or where one of the two has a parameter that the other has not.</summary>
    /// <param name="expected">By the checkpoint's keys, in torch's layout.</param>
    /// <param name="fixture">Where the gradients lie.</param>
    /// <param name="parameters">The model's.</param>
    /// <param name="gradients">Of all of them.</param>
    public static void AssertClose(GoldenTensors expected, ModelFixture fixture, IReadOnlyDictionary<string, Tensor> parameters, Gradients gradients)
    {
        // A checkpoint may hold what the loss does not reach and the model does not load, such as a pooler.
        var reached = expected.Names.Where(key => parameters.ContainsKey(key) || expected[key].Values.AsSpan().ContainsAnyExcept(0f));
        Assert.Equal(reached.Order(StringComparer.Ordinal), parameters.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, parameter) in parameters)
        {
            var actual = fixture.Download(gradients.Of(parameter)!.Value);
            var golden = expected[key];
            if (QueryBias(key) is { } queryBias)
                Assert.True(actual.Max(Math.Abs) <= 1e-3 * expected[queryBias].Values.Max(Math.Abs), $"{key}: {actual.Max(Math.Abs)}");
            // Sums in another order than the reference's: 1e-4 of the largest value, the golden files' own bound.
            else GoldenTensors.AssertClose(key, golden.Shape.Length == 4 ? KernelLast(golden) : golden.Values, actual);
        }
    }

    /// <summary>
    /// The bias of queries for that of keys, whose gradient is zero in exact arithmetic: a softmax does not change when all its scores do. What is left
    /// is rounding, measured against the query bias's gradient.
    /// </summary>
    public static string? QueryBias(string key) =>
        Array.Find(Biases, bias => key.EndsWith(bias.Key, StringComparison.Ordinal)) is { Key: { } end, Query: var query } ? key[..^end.Length] + query : null;

    /// <summary>[O, I, kh, kw] as [O, kh, kw, I].</summary>
    static float[] KernelLast(GoldenTensor weight)
    {
        int inputs = weight.Shape[1], taps = weight.Shape[2] * weight.Shape[3];
        var turned = new float[weight.Values.Length];
        for (var i = 0; i < turned.Length; i++)
        {
            int c = i % inputs, tap = i / inputs % taps, o = i / inputs / taps;
            turned[i] = weight.Values[(o * inputs + c) * taps + tap];
        }
        return turned;
    }
}
