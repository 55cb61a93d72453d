using PeaEngine.Train.Evaluation;

namespace PeaEngine.Tests.Train;

public sealed class EvaluationTableTests : IDisposable
{
    readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    EvaluationTable Table() => new(new(["zh", "it"], [new("seen", [0.12344, 0.5]), new("unseen", [12.5, 0.25])]), EvaluationReference.Load(SmallReference.Write(folder)));

    /// <summary>The file says of <c>unseen</c> only part of what a row needs.</summary>
    [Fact]
    public void NumbersStandBelowEachOther() => Assert.Equal("""
        distance          zh      it    mean
        seen          0.1234  0.5000  0.3117
          reference   0.2500  0.7500  0.5000
        unseen       12.5000  0.2500  6.3750

        """.ReplaceLineEndings(Environment.NewLine), Table().ToText());

    [Fact]
    public void ThePictureHasALineForEachRow()
    {
        var image = Table().Draw();
        var inked = Enumerable.Range(0, image.Height).Select(y => Ink(y, 20, image.Width)).ToArray();
        // Within the margins, blank lines part rows of letters; rules are not that dark.
        Assert.Equal(4, Enumerable.Range(1, image.Height - 1).Count(y => inked[y] && !inked[y - 1]));
        Assert.All(Enumerable.Range(0, image.Height), y => Assert.False(Ink(y, image.Width - 16, image.Width)));

        bool Ink(int y, int from, int to)
        {
            for (var x = from; x < to; x++)
                if (image.Row(y)[3 * x] < 0xA0) return true;
            return false;
        }
    }
}
