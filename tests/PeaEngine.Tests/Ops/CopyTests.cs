namespace PeaEngine.Tests.Ops;

public class CopyTests : OpTests<CopyTests>, IOpCases
{
    static readonly float[] Edges =
    [
        0, -0f, 1, -1, 65504, 65519.9f, 65520, 1e30f, float.MaxValue, 5.9604645e-8f, 2.9802322e-8f, 2.9802326e-8f, 6.1e-5f, 1e-40f, float.Epsilon,
        1 + 1 / 1024f + 1 / 2048f, 1 + 1 / 2048f, 1 + 1 / 256f, 1 + 3 / 256f, float.PositiveInfinity, float.NegativeInfinity, float.NaN,
    ];

    public static IEnumerable<OpCase> Cases =>
        from source in (DType[])[DType.F32, DType.F16, DType.BF16]
        from target in (DType[])[DType.F32, DType.F16, DType.BF16]
        from count in (int[])[Edges.Length, 50_003]
        select new OpCase($"{source} to {target}, {count}", 0, fenced =>
        {
            var x = fenced.New([count], source);
            for (var i = 0; i < count; i++)
            {
                var value = i < Edges.Length ? Edges[i] : (i % 7 - 3.5f) * MathF.Pow(1.1f, i % 400 - 300);
                if (source == DType.F32) x.AsSpan<float>()[i] = value;
                else if (source == DType.F16) x.AsSpan<Half>()[i] = (Half)value;
                else x.AsSpan<ushort>()[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
            }
            var y = fenced.New([count], target);
            return new(() => fenced.Backend.Copy(x, y), y, [.. Fenced.Read(x).Select(value => Round(value, target))]);
        });

    // To the nearest neighbour of the type, to the even one between two; beyond the largest to infinity.
    static double Round(double x, DType dtype)
    {
        if (dtype == DType.F32 || x == 0 || !double.IsFinite(x)) return x;
        var (digits, lowest, highest) = dtype == DType.F16 ? (11, -14, 65504.0) : (8, -126, 3.3895313892515355e38);
        var exponent = Math.Max(Math.ILogB(x), lowest);
        var unit = Math.ScaleB(1, exponent - digits + 1);
        var rounded = Math.Round(x / unit, MidpointRounding.ToEven) * unit;
        return Math.Abs(rounded) > highest ? Math.CopySign(double.PositiveInfinity, x) : rounded;
    }
}
