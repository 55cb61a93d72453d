using PeaEngine.Diffusion.Images;
using PeaEngine.Train.Metrics;

namespace PeaEngine.Tests.Train;

public class PlotTests
{
    const int Border = 36;

    static readonly (byte, byte, byte) Strong = (23, 92, 163), Orange = (214, 96, 24);

    [Fact]
    public void AFallingCurveFalls()
    {
        var picture = LossPlot.Draw("loss", [.. Enumerable.Range(1, 600).Select(step => ((long)step, 3.0 - step / 300.0))]);
        Assert.Equal((960, 540), (picture.Width, picture.Height));
        int left = Top(picture, 150), middle = Top(picture, 500), right = Top(picture, 900);
        Assert.True(left < middle && middle < right, $"{left}, {middle}, {right}");
        // A straight line: the middle of the three columns lies on it.
        Assert.Equal(left + (right - left) * 350 / 750.0, middle, 6.0);
    }

    [Fact]
    public void OutliersAndGapsLeaveTheRestToBeSeen()
    {
        var points = Enumerable.Range(1, 1000).Select(step => ((long)step, step == 500 ? 1e6 : step % 100 == 0 ? double.NaN : 1 + step * 1e-3)).ToList();
        var plain = points.Select(point => (point.Item1, point.Item2 > 10 ? 1.5 : point.Item2)).ToList();
        Assert.InRange(Top(LossPlot.Draw("loss", plain), 150) - Top(LossPlot.Draw("loss", plain), 900), 300, 500);
        Assert.NotInRange(Top(LossPlot.Draw("loss", points), 900), -1, -1);
    }

    /// <summary>The validation loss has a curve of its own, whose points are not smoothed and are all within the picture.</summary>
    [Fact]
    public void TheValidationLossIsDrawnToo()
    {
        List<(long, double)> points = [.. Enumerable.Range(1, 100).Select(step => ((long)step, 1.0))];
        var picture = LossPlot.Draw("loss", points, [(20, 2), (60, 4), (100, double.NaN)]);
        int Column(int step) => 96 + (int)Math.Round((step - 1) * 840 / 99.0);
        Assert.InRange(Top(picture, Column(60), Orange), 40, 60);
        Assert.InRange(Top(picture, Column(20), Orange) - Top(picture, Column(60), Orange), 250, 350);
        Assert.InRange(Top(picture, Column(20)) - Top(picture, Column(20), Orange), 100, 200);
        Assert.Equal(-1, Top(LossPlot.Draw("loss", points), Column(60), Orange));
    }

    [Theory]
    [InlineData]
    [InlineData(0.0)]
    [InlineData(2.5, 2.5, 2.5)]
    [InlineData(double.NaN)]
    [InlineData(-1e300, 1e300)]
    [InlineData(1e-320, 2e-320)]
    public void FewAndEqualPointsAreDrawn(params double[] values)
    {
        var picture = LossPlot.Draw("loss", [.. values.Select((value, i) => ((long)i + 1, value))]);
        Assert.Equal(values.Any(double.IsFinite), Enumerable.Range(0, 960).Any(x => Top(picture, x) >= 0));
    }

    [Theory]
    [InlineData(0.0181, 0.0345, "0.02 0.025 0.03")]
    [InlineData(1, 600, "100 200 300 400 500 600")]
    [InlineData(-0.3, 0.9, "-0.2 0 0.2 0.4 0.6 0.8")]
    [InlineData(0, 12, "0 2 4 6 8 10 12")]
    [InlineData(2, 2, "1 1.5 2 2.5 3")]
    public void AxesAreLabelledWithRoundNumbers(double low, double high, string expected) =>
        Assert.Equal(expected, string.Join(' ', new PlotAxis(low, high, 0, 100).Ticks().Select(tick => tick.ToString("G6", System.Globalization.CultureInfo.InvariantCulture))));

    /// <summary>The letters of the labels, as they are seen.</summary>
    [Fact]
    public void LettersAreReadable()
    {
        var canvas = new Canvas(17, 7);
        canvas.Text(0, 0, "L7語", new(0, 0, 0), 1);
        string[] rows = [.. Enumerable.Range(0, 7).Select(y => string.Concat(Enumerable.Range(0, 17).Select(x => canvas.Picture.Row(y)[3 * x] == 0 ? '#' : '.')))];
        Assert.Equal(["#.....#####.#####", "#.........#.#...#", "#........#..#...#", "#.......#...#...#", "#......#....#...#", "#......#....#...#", "#####..#....#####"], rows);
        Assert.Equal(17, Canvas.WidthOf("L7語", 1));
    }

    [Fact]
    public void WhatLiesOutsideIsNotDrawn()
    {
        var canvas = new Canvas(4, 4);
        canvas.Line(-3, -3, 9, 9, new(0, 0, 0), 2);
        canvas.Text(-3, -3, "abc", new(0, 0, 0), 2);
        Assert.Equal(0, canvas.Picture.Row(3)[9]);
    }

    [Fact]
    public void PicturesAreTiledInTheOrderOfReading()
    {
        PixelImage[] pictures = [Filled(4, 3, 10), Filled(2, 2, 20), new(4, 3, 1)];
        var grid = SampleGrid.Tile(pictures, 2);
        Assert.Equal((10, 8), (grid.Width, grid.Height));
        Assert.Equal((10, 20, 0, 255, 255), (grid.Row(2)[9], grid.Row(1)[21], grid.Row(5)[0], grid.Row(0)[12], grid.Row(7)[29]));
        Assert.Equal(16, SampleGrid.Tile(pictures, 9).Width);
        Assert.Equal("grid: no pictures, expected one or more", Assert.Throws<PeaException>(() => SampleGrid.Tile([], 1)).Message);
        Assert.Equal("grid: 0 columns, expected 1 or more", Assert.Throws<PeaException>(() => SampleGrid.Tile(pictures, 0)).Message);
    }

    static PixelImage Filled(int width, int height, byte value)
    {
        var picture = new PixelImage(width, height);
        picture.Pixels.Fill(value);
        return picture;
    }

    /// <summary>The highest row below the title in which a column has the running mean's colour or another, or -1.</summary>
    static int Top(PixelImage picture, int x, (byte, byte, byte)? colour = null)
    {
        for (var y = Border; y < picture.Height; y++)
        {
            var pixel = picture.Row(y).Slice(3 * x, 3);
            if ((pixel[0], pixel[1], pixel[2]) == (colour ?? Strong)) return y;
        }
        return -1;
    }
}
