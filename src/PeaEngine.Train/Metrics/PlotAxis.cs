namespace PeaEngine.Train.Metrics;

/// <summary>From values to pixels, with round values to label.</summary>
readonly struct PlotAxis
{
    const int Labels = 6;

    readonly double low, high;
    readonly int begin, end;

    /// <summary>An axis over values, from one pixel to another.</summary>
    public PlotAxis(double low, double high, int begin, int end)
    {
        // A curve of one value still has a place in the middle.
        var margin = high > low ? 0 : Math.Max(Math.Abs(low) * 0.5, double.Epsilon * 16);
        (this.low, this.high, this.begin, this.end) = (low - margin, high + margin, begin, end);
    }

    /// <summary>The pixel of a value; one that lies outside has the axis's end.</summary>
    public int At(double value) => begin + (int)Math.Round(Math.Clamp((value - low) / (high - low), 0, 1) * (end - begin));

    /// <summary>Multiples of 1, 2 or 5 times a power of ten.</summary>
    public IEnumerable<double> Ticks()
    {
        var rough = (high - low) / Labels;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * ((rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 });
        for (var i = Math.Ceiling(low / step); i * step <= high && i - Math.Ceiling(low / step) <= 2 * Labels; i++) yield return i * step;
    }
}
