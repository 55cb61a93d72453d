using PeaEngine.Diffusion.Checkpoints;
using PeaEngine.Formats;

namespace PeaEngine.Tests.Checkpoints;

/// <summary>A pipeline folder written in the original naming is the golden file of the same model, tensor for tensor.</summary>
public class OriginalTensorsGoldenTests
{
    public static TheoryData<string> Files => GoldenFolder.Cases("single-file", files: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void AreThoseOfTheOriginalFile(string name)
    {
        if (GoldenFolder.IsAbsent(name)) return;
        using var expected = TensorFile.Open(GoldenFolder.At("single-file", name));
        using var actual = OriginalTensors.Open(DiffusersFolder.Open(GoldenFolder.At("pipeline", Path.GetFileNameWithoutExtension(name), "model")));

        CheckpointConversionTests.AssertSame(expected, actual);
    }
}
