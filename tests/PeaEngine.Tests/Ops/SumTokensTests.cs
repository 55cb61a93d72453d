namespace PeaEngine.Tests.Ops;

public class SumTokensTests : OpTests<SumTokensTests>, IOpCases
{
    public static IEnumerable<OpCase> Cases =>
        from shape in ((int, int, int)[])[(1, 1, 1), (2, 77, 65), (1, 4096, 130), (3, 257, 128), (5, 3, 1025)] select Case(shape);

    // Sums of up to 4096 values in single precision, added block by block.
    static OpCase Case((int Batch, int Tokens, int Channels) shape) => new($"{shape}", 2e-6, fenced =>
    {
        var (batch, tokens, channels) = shape;
        Tensor x = fenced.Normal([batch, tokens, channels], mean: 0.5), y = fenced.Normal([batch, channels]);
        double[] values = Fenced.Read(x), expected = Fenced.Read(y);
        for (var i = 0; i < values.Length; i++) expected[i / (tokens * channels) * channels + i % channels] += values[i];
        return new(() => fenced.Backend.SumTokens(x, y), y, expected);
    });
}
