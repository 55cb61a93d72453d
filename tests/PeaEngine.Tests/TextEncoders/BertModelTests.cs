using PeaEngine.Diffusion.TextEncoders;
using PeaEngine.Formats;
using PeaEngine.Tests.Models;

namespace PeaEngine.Tests.TextEncoders;

public class BertModelTests
{
    static readonly string Student = Path.Combine(Repository.Root, "samples", "emoji", "student");

    [Fact]
    public void IdsMaskAndLayersAreChecked()
    {
        using var fixture = new ModelFixture();
        using var model = Load(fixture.Backend, "bert");
        AssertRefused("id 17618 at 1, embeddings.word_embeddings.weight has the ids 0 to 17617", [0, 17618], 2, 1, 0);
        AssertRefused("129 tokens, expected at most 128", new int[129], 129, 1, 0);
        AssertRefused("3 ids in a batch of 2", new int[3], 3, 2, 0);
        AssertRefused("a mask of 3 values for 2 rows of 2 tokens", new int[4], 3, 2, 0);
        AssertRefused("13 layers to skip, expected 0 to 12", new int[4], 4, 1, 13);

        void AssertRefused(string message, int[] ids, int mask, int batch, int skip) =>
            Assert.Contains(message, Assert.Throws<PeaException>(() => model.Forward(fixture.Pass, ids, new byte[mask], batch, skip)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PaddingChangesNoOtherToken()
    {
        using var fixture = new ModelFixture();
        using var model = Load(fixture.Backend, "bert");
        var alone = Run(fixture, model, [0, 70, 80, 2], [1, 1, 1, 1]);
        var padded = Run(fixture, model, [0, 70, 80, 2, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0]);
        var filled = Run(fixture, model, [0, 70, 80, 2, 9, 9, 9], [1, 1, 1, 1, 0, 0, 0]);
        var seen = Run(fixture, model, [0, 70, 80, 2, 9, 9, 9], [1, 1, 1, 1, 1, 1, 1]);
        // The same products in tiles of other sizes.
        GoldenTensors.AssertClose("padded", alone, padded.AsSpan(0, alone.Length), 1e-5);
        GoldenTensors.AssertClose("filled", alone, filled.AsSpan(0, alone.Length), 1e-5);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => GoldenTensors.AssertClose("seen", alone, seen.AsSpan(0, alone.Length), 1e-2));
    }

    [Fact]
    public void RobertaCountsThePositionsOfTokensOnly()
    {
        using var fixture = new ModelFixture();
        using var model = Load(fixture.Backend, "xlm-roberta");
        Assert.Equal(126, model.MaxTokens);
        var right = Run(fixture, model, [0, 70, 80, 2, 1, 1], [1, 1, 1, 1, 0, 0]);
        var left = Run(fixture, model, [1, 1, 0, 70, 80, 2], [0, 0, 1, 1, 1, 1]);
        var skipped = 2 * model.HiddenSize;
        GoldenTensors.AssertClose("left", right.AsSpan(0, right.Length - skipped), left.AsSpan(skipped), 1e-5);
    }

    [Fact]
    public void RowsOfABatchDoNotMeet()
    {
        using var fixture = new ModelFixture();
        using var model = Load(fixture.Backend, "bert");
        int[] first = [0, 70, 80, 2], second = [0, 90, 2, 1];
        var both = fixture.Download(model.Forward(fixture.Pass, [.. first, .. second], [1, 1, 1, 1, 1, 1, 1, 0], 2));
        GoldenTensors.AssertClose("first", Run(fixture, model, first, [1, 1, 1, 1]), both.AsSpan(0, both.Length / 2), 1e-5);
        GoldenTensors.AssertClose("second", Run(fixture, model, second, [1, 1, 1, 0]), both.AsSpan(both.Length / 2), 1e-5);
    }

    static BertModel Load(Backend backend, string type)
    {
        var folder = DiffusersFolder.Open(Student);
        using var weights = folder.OpenWeights();
        return BertModel.Load(backend, BertConfig.Read(folder.Config.With("model_type", System.Text.Encoding.UTF8.GetBytes($"\"{type}\""))), weights);
    }

    static float[] Run(ModelFixture fixture, BertModel model, int[] ids, byte[] mask) => fixture.Download(model.Forward(fixture.Pass, ids, mask, 1));
}
