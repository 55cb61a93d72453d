namespace PeaEngine.Tests.Ops;

static class Permutation
{
    public static IEnumerable<OpCase> Cases(bool toLast) =>
        from shape in ((int B, int C, int H, int W)[])[(1, 1, 1, 1), (2, 3, 5, 7), (1, 4, 64, 64), (2, 1100, 3, 2), (1, 17, 33, 31)]
        select new OpCase($"{shape}", 0, fenced =>
        {
            var (b, c, h, w) = shape;
            Shape first = [b, c, h, w], last = [b, h, w, c];
            Tensor x = fenced.Normal(toLast ? first : last), y = fenced.New(toLast ? last : first);
            var values = Fenced.Read(x);
            var expected = new double[values.Length];
            for (var i = 0; i < b; i++)
                for (var channel = 0; channel < c; channel++)
                    for (var pixel = 0; pixel < h * w; pixel++)
                    {
                        int atFirst = (i * c + channel) * h * w + pixel, atLast = (i * h * w + pixel) * c + channel;
                        if (toLast) expected[atLast] = values[atFirst];
                        else expected[atFirst] = values[atLast];
                    }
            return new(() =>
            {
                if (toLast) fenced.Backend.ToChannelsLast(x, y);
                else fenced.Backend.ToChannelsFirst(x, y);
            }, y, expected);
        });
}
