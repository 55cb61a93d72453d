namespace PeaEngine.Diffusion.Schedulers;

/// <summary>How diffusers spreads inference steps over the training timesteps (table 2 of arXiv 2305.08891); falling.</summary>
static class Spacing
{
    /// <summary>numpy.linspace.</summary>
    public static double[] Linspace(double start, double end, int count)
    {
        var values = new double[count];
        var step = count > 1 ? (end - start) / (count - 1) : 0;
        for (var i = 0; i < count; i++) values[i] = i * step + start;
        if (count > 1) values[^1] = end;
        return values;
    }

    /// <summary><c>linspace</c> between 0 and <paramref name="last"/>, both included.</summary>
    public static double[] Linspaced(double last, int count) => [.. Linspace(0, last, count).Reverse()];

    /// <summary><c>leading</c>: multiples of <paramref name="ratio"/>, then the offset.</summary>
    public static double[] Leading(int ratio, int count, int offset)
    {
        var values = new double[count];
        for (var i = 0; i < count; i++) values[i] = (count - 1 - i) * (double)ratio + offset;
        return values;
    }

    /// <summary>
    /// <c>trailing</c>: numpy's <c>arange(last, 0, -ratio).round() - 1</c>, which for a few counts (61 of 1000 is one) has one
    /// value more, −1, because of rounding.
    /// </summary>
    public static double[] Trailing(int last, double ratio)
    {
        var values = new double[(int)Math.Ceiling(last / ratio)];
        var delta = last - ratio - last;
        for (var i = 0; i < values.Length; i++) values[i] = Math.Round(last + i * delta) - 1;
        return values;
    }

    /// <summary>numpy.interp over 0, 1, 2, …: values outside take the nearest end.</summary>
    public static double Interpolate(double at, ReadOnlySpan<float> table)
    {
        if (at <= 0) return table[0];
        if (at >= table.Length - 1) return table[^1];
        var low = (int)at;
        return ((double)table[low + 1] - table[low]) * (at - low) + table[low];
    }

    /// <summary>Every value as single precision holds it.</summary>
    public static double[] ToSingle(double[] values) => Array.ConvertAll(values, value => (double)(float)value);
}
